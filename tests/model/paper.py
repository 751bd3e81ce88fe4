"""The invoices of one organisation worked out again, from what their lines came to as entered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.model.bills import Entry, Lines, Rate, cents, reduced, taxed
from tests.model.days import Days, local_day
from tests.model.life import Life
from tests.service.books import Books

Answer = Mapping[str, Any]
REDUCED = ("support", "calls")  # prices that have a tax code of their own
REGIMES: tuple[tuple[Rate, ...], ...] = (
    (),
    (Rate("vat", Fraction(19)),),
    (Rate("vat", Fraction(19)), Rate("low", Fraction(7), tax_code="reduced")),
    (Rate("state", Fraction("4.35")), Rate("city", Fraction("2.875"))),
    (Rate("in", Fraction(19), True), Rate("in-low", Fraction(7), True, "reduced")),
    (Rate("in-a", Fraction(5), True), Rate("in-b", Fraction("9.975"), True)),
)
COUPONS: tuple[dict[str, Any], ...] = (
    {"key": "tenth", "percent": "10", "duration": "forever"},
    {"key": "third", "percent": "33.33", "duration": {"invoices": 2}},
    {"key": "support-half", "percent": "50", "duration": "forever", "applies_to": ["support"]},
    {"key": "fifty", "amount": "50.00", "currency": "USD", "duration": "forever"},
    {"key": "welcome", "amount": "10.00", "currency": "USD", "duration": "once"},
    {"key": "calls-off", "amount": "7.00", "currency": "USD", "duration": "forever", "applies_to": ["calls"]},
)


@dataclass(frozen=True)
class Noted:
    """A line as entered and what discounts left of it, in cents."""

    line: Answer
    entered: int
    left: int

    @property
    def kept(self) -> Fraction:
        """The share of it that discounts left."""
        return Fraction(self.left, self.entered) if self.entered else Fraction(1)


@dataclass
class Paper:
    """What was given to whom, and every line that was seen, by invoice and version and by its own id.

    given  the coupons of a subscription or customer, in order, by id
    notes  what credit notes gave back of a line, as entered, by the line's id
    """

    books: Books
    rates: tuple[Rate, ...]
    given: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: dict[tuple[str, int], list[Noted]] = field(default_factory=dict)
    lines: dict[str, Noted] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def rates_of(self, price: str | None) -> tuple[Rate, ...]:
        """Of a line's own tax code, or else those without one (rule 27)."""
        own = tuple(rate for rate in self.rates if rate.tax_code is not None)
        return own if own and price in REDUCED else tuple(rate for rate in self.rates if rate.tax_code is None)

    def read(self, invoice: Answer, life: Life | None) -> list[Noted]:
        """Its lines, once each figure is what the rules make of them."""
        place = invoice["id"], invoice["version"] if invoice["status"] == "draft" else 0  # what is final stays
        if place not in self.seen:
            entries = [self._entry(invoice, line, life) for line in invoice["lines"]]
            worked = self._agreeing(invoice, entries)
            self.seen[place] = [
                Noted(line, one.amount, left)
                for line, one, left in zip(invoice["lines"], entries, worked.left, strict=True)
            ]
            self.lines |= {one.line["id"]: one for one in self.seen[place]}
        return self.seen[place]

    def look_at_notes(self) -> None:
        """Read all credit notes anew."""
        self.notes = {}
        for note in self.books.api.every("/v1/credit-notes"):
            for line in note["lines"]:
                rates = self.rates_of(self.lines[line["line"]].line["price"])
                tax = cents(line["tax"]) if rates and rates[0].inclusive else 0
                self.notes[line["line"]] = self.notes.get(line["line"], 0) + cents(line["amount"]) + tax

    def _entry(self, invoice: Answer, line: Answer, life: Life | None) -> Entry:
        rates = self.rates_of(line["price"])
        amount = cents(line["amount"])
        if rates and rates[0].inclusive:
            amount += cents(line["tax"]) - (cents(line["discount"]) if amount < 0 else 0)
            if amount > 0 and cents(invoice["discount_total"]):
                path = f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain"
                amount = cents((self.books.api.get(path).json or {})["amount"])
        return Entry(line["price"], amount, rates, self._carried(invoice, line, life))

    def _carried(self, invoice: Answer, line: Answer, life: Life | None) -> Fraction | None:
        """Of a charge for days that another line charged before: the share of discount that that one had (rule 14)."""
        if line["reason"] != "fee" or life is None or not _is_of_a_change(invoice, line, life):
            return None
        named = line.get("corrects")
        if named is None:
            return Fraction(0)
        if self.lines[named["line"]].line["price"] == line["price"]:
            return 1 - self.lines[named["line"]].kept
        start, end = line["period"]["from"], line["period"]["to"]
        over = [
            one for one in self.lines.values()
            if one.line["reason"] == "fee" and one.line["id"] in self._final(invoice)
            and one.line["period"]["from"] < end and start < one.line["period"]["to"]
        ]
        entered = sum(one.entered for one in over)
        return 1 - Fraction(sum(one.left for one in over), entered) if entered else Fraction(0)

    def _final(self, invoice: Answer) -> set[str]:
        """The lines of other finalised invoices of the same subscription."""
        mine = [
            one for one in self.books.invoices(subscription=invoice["subscription"])
            if one["status"] not in ("draft", "void") and one["id"] != invoice["id"]
        ]
        return {line["id"] for one in mine for line in one["lines"]}

    def _agreeing(self, invoice: Answer, entries: list[Entry]) -> Lines:
        """With the coupons that last for ever and, while it lasts, with each that does not."""
        coupons = [*self.given.get(invoice["subscription"], ()), *self.given.get(invoice["customer"]["id"], ())]
        limited = [one for one in coupons if one["duration"] != "forever"]
        tried = []
        for without in _subsets(limited):
            used = [one for one in coupons if one not in without]
            granted = max(sum(reduced(entries, used)) - _kept(invoice, entries), 0)  # what then only credit can explain
            worked = taxed(entries, reduced(entries, used, granted))
            if _says(invoice, worked):
                return worked
            tried.append(worked)
        shown = [(one["price"], one["amount"], one["discount"], one["tax"], one["period"]) for one in invoice["lines"]]
        raise AssertionError((invoice["number"], invoice["boundary"], shown, invoice["taxes"], entries, coupons, tried))


def _is_of_a_change(invoice: Answer, line: Answer, life: Life) -> bool:
    """Whether it is no fee of the boundary itself: charged when something had changed (rules 14 and 25)."""
    if line.get("corrects") is not None or invoice["boundary"] is None:
        return True
    boundary = local_day(datetime.fromisoformat(invoice["boundary"]), life.zone)
    day = local_day(datetime.fromisoformat(line["period"]["from"]), life.zone)
    segment = life.segment(day)
    period = segment.lived(segment.plan_period(day))
    days = Days(day, local_day(datetime.fromisoformat(line["period"]["to"]), life.zone)).each()
    billing = next(prices[line["price"]]["billing"] for prices in (life.terms[each].prices for each in days)
                   if line["price"] in prices)
    if billing == "in_advance":
        return period.start != boundary
    return period.end != boundary


def _kept(invoice: Answer, entries: list[Entry]) -> int:
    """What an invoice says that all discounts left of its lines, as entered."""
    return sum(
        cents(line["amount"]) - cents(line["discount"]) + (cents(line["tax"]) if _is_inclusive(one) else 0)
        for line, one in zip(invoice["lines"], entries, strict=True)
    )


def _is_inclusive(entry: Entry) -> bool:
    return bool(entry.rates) and entry.rates[0].inclusive


def _subsets(some: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    for chosen in range(2 ** len(some)):
        yield [one for place, one in enumerate(some) if chosen >> place & 1]


def _says(invoice: Answer, worked: Lines) -> bool:
    """Whether an invoice's lines, taxes and sums are these."""
    found = [[cents(line[name]) for line in invoice["lines"]] for name in ("amount", "discount", "tax")]
    taxes = {tax["rate_key"]: (cents(tax["taxable"]), cents(tax["amount"])) for tax in invoice["taxes"] if tax["rate"]}
    net, discount, tax = sum(worked.net), sum(worked.discount), sum(worked.tax)
    sums = [cents(invoice[name]) for name in ("subtotal", "discount_total", "tax_total", "total")]
    return (
        found == [worked.net, worked.discount, worked.tax] and taxes == worked.taxes
        and sums == [net, discount, tax, net - discount + tax]
    )
