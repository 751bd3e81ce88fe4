"""Rounding, sharing, and what each pricing model makes of a quantity."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from farthing.catalog.prices.reading import price_from
from farthing.catalog.rates.service import rate_request
from farthing.kernel.strict_json import JsonNumber
from farthing.pricing.adjustments import WHOLE
from farthing.pricing.aggregation import Aggregation, Point, aggregate
from farthing.pricing.arithmetic import money, plain, rounded
from farthing.pricing.calendar import Period
from farthing.pricing.rating import Usage, rate
from farthing.pricing.sharing import shared
from worked_examples.pages import JPY, KWD, USD, d, section, table, usd

TIERS = [{"up_to": "10", "unit_amount": "1.00"}, {"up_to": "100", "unit_amount": "0.80", "flat_amount": "5"},
         {"up_to": None, "unit_amount": "0.50"}]
Json = dict[str, Any]  # Any: JSON


def asked(
    model: str, quantity: str | None = None, events: list[Json] | None = None, **fields: Any  # Any: JSON
) -> Json:
    """What `POST /v1/rate` answers about a price."""
    price = {"key": "p", "name": "P", "model": model, "billing": "in_arrears", "meter": "units", **fields}
    body: Json = {"price": price, "currency": "USD"}
    body |= {"quantity": quantity} if events is None else {"events": events}
    return rate_request(body).model_dump(mode="json")


def steps(answer: Json) -> str:
    """How an amount came about."""
    return "; ".join(f"{one['note']} = {one['amount']}" for one in answer["steps"]) or "nothing"


def rounding() -> str:
    exact = ("0.005", "2.675", "-0.005", "1.0049999", "99.5", "0.0005")
    return section(
        "Rounding", "rule 2",
        """An amount is rounded once, where it becomes a line of an invoice, to the decimals of its currency. Half a
        unit goes away from zero, for credits too.""",
        table(("exact", "dollars", "yen", "dinars"), [
            (text, *(money(rounded(d(text), unit), unit) for unit in (USD, JPY, KWD))) for text in exact
        ]),
        "A division stays an exact fraction until then: 10.00 for 10 of 31 days is 100/31, and no digit of it is lost.",
        table(("amount", "days", "exact", "on the invoice"), [
            (amount, f"{days} of {of}", Fraction(d(amount)) * days / of,
             usd(rounded(Fraction(d(amount)) * days / of, USD)))
            for amount, days, of in (("10.00", 10, 31), ("29.00", 1, 28), ("0.05", 1, 10))
        ]),
    )


def sharing() -> str:
    cases = (
        ("10.00", ("10", "10", "10")), ("0.01", ("5", "5")), ("10.00", ("70", "20", "10")), ("1.00", ("1", "2", "4")),
        ("0.05", ("3", "3", "3", "3")),
    )
    return section(
        "Sharing out", "rule 3",
        """A discount, a tax or a credit on a whole invoice is shared over its lines in proportion to what is left of
        each. Every line first gets its share rounded down; the cents that remain go to the largest remainders, of
        equal ones to the line that stands first. The parts always come to the whole.""",
        table(("to share", "over lines of", "parts"), [
            (whole, ", ".join(lines), ", ".join(usd(part) for part in shared(d(whole), list(map(d, lines)), USD)))
            for whole, lines in cases
        ]),
    )


def tiers() -> str:
    def rows(model: str) -> Iterator[tuple[object, ...]]:
        for quantity in ("0", "10", "10.5", "100", "101"):
            answer = asked(model, quantity, tiers=TIERS)
            yield quantity, steps(answer), answer["amount"]

    return section(
        "Tiers", "rules 5 and 6",
        """The tiers of these examples: up to and including 10 units at 1.00; up to 100 at 0.80, and 5.00 once; all
        above at 0.50. With *graduated* prices each tier prices the units inside it, and its 5.00 is due as soon as any
        part of a unit falls into it.""",
        table(("units", "how", "amount"), rows("graduated")),
        "With *volume* prices the tier that the whole quantity falls into prices all of it; the amount may fall there.",
        table(("units", "how", "amount"), rows("volume")),
    )


def packages() -> str:
    def row(quantity: str, free: str) -> tuple[object, ...]:
        answer = asked("package", quantity, package_size="10", package_amount="0.45", free_units=free)
        return quantity, free, steps(answer), answer["amount"]

    return section(
        "Packages", "rule 7",
        "Packages of 10 at 0.45: what is beyond the free units is paid in packages, and each one begun counts whole.",
        table(("units", "free", "how", "amount"), [
            row(*case) for case in (("0", "0"), ("10", "0"), ("10.01", "0"), ("25", "3"), ("3", "3"), ("3.1", "3"))
        ]),
    )


def percentages() -> str:
    charge: Json = {"rate": "1.5", "fixed_amount": "0.25", "free_events": JsonNumber("1"), "free_amount": "50",
              "maximum_per_event": "3"}

    def row(*amounts: str) -> tuple[object, ...]:
        answer = asked("percentage", events=[{"quantity": amount} for amount in amounts], **charge)
        return ", ".join(amounts), steps(answer), answer["amount"]

    return section(
        "Percentages", "rule 8",
        """1.5 percent of each payment and 0.25, but never more than 3.00; the first payment is free, and then the first
        50.00. The allowances are used up in order of time. A payment that is partly free pays the percentage on the
        rest and the whole 0.25. A payment of nothing or less costs nothing, and uses up nothing.""",
        table(("payments, in order", "how", "amount"), [
            row("80"), row("80", "30"), row("80", "30", "40"), row("80", "0", "-5", "50", "100"),
            row("80", "50", "900"),
        ]),
    )


def bounds() -> str:
    price = price_from({
        "key": "p", "name": "P", "model": "per_unit", "billing": "in_arrears", "meter": "units", "unit_amount": "0.10",
        "minimum": "5.00", "maximum": "50.00",
    }, USD)

    def row(quantity: str, share: Fraction) -> tuple[object, ...]:
        found = rate(price, Usage(d(quantity)), USD, share)
        part = "the whole period" if share == WHOLE else f"{share.numerator} of {share.denominator} days"
        return quantity, part, "; ".join(one.note for one in found.steps), usd(found.amount)

    days = Fraction(10, 31)
    return section(
        "Minimum and maximum", "rule 9",
        """0.10 a unit, at least 5.00 and at most 50.00 for a period. Where a subscription begins or ends in the middle,
        both shrink with its days; tiers and free units never do.""",
        table(("units", "for", "how", "amount"), [
            row("0", WHOLE), row("30", WHOLE), row("75", WHOLE), row("600", WHOLE), row("10", days), row("600", days),
        ]),
    )


def matrices() -> str:
    cells = [{"values": ["eu", "fast"], "unit_amount": "0.30"}, {"values": ["us", None], "unit_amount": "0.20"}]
    events: list[Json] = [
        {"quantity": "4", "properties": {"region": "eu", "tier": "fast"}},
        {"quantity": "2.5", "properties": {"region": "us"}}, {"quantity": "1", "properties": {"region": "ap"}},
        {"quantity": "-3", "properties": {"region": "ap", "tier": "slow"}},
    ]
    answer = asked("matrix", events=events, dimensions=["region", "tier"], cells=cells, default_unit_amount="0.11")
    return section(
        "Prices by property", "rules 8 and 10",
        """Units by region and tier: eu and fast 0.30, us without a tier 0.20, everything else 0.11. Each combination is
        a step, one below zero costs nothing, and the line is rounded once.""",
        table(("combination", "units", "each", "amount"), [
            (one["note"], one["quantity"], one["unit_amount"], one["amount"]) for one in answer["steps"]
        ] + [("**on the invoice**", "", "", answer["amount"])]),
    )


def quantities() -> str:
    day = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    sent = ((6, "4"), (9, "10"), (12, "-2"), (18, "4"))
    points = [Point(day.start + timedelta(hours=hour), "", str(hour), d(value), {}) for hour, value in sent]

    def row(aggregation: Aggregation, words: str) -> tuple[object, ...]:
        counted = [
            Point(one.time, one.source, one.id, plain(d(value)), {})
            for one, (_, value) in zip(points, sent, strict=True)
        ] if aggregation is Aggregation.UNIQUE_COUNT else points
        return aggregation.value, aggregate(aggregation, counted, day), words

    return section(
        "From events to a quantity", "rule 17",
        """One day with four events: 4 at 06:00, 10 at 09:00, -2 at 12:00 and 4 at 18:00. For `weighted_sum` they are
        changes of a level, which counts by the time it stands.""",
        table(("meter", "quantity", "because"), [
            row(Aggregation.COUNT, "four events"), row(Aggregation.SUM, "4 + 10 - 2 + 4"),
            row(Aggregation.MAX, "the greatest"), row(Aggregation.MIN, "the least"),
            row(Aggregation.LATEST, "the one of 18:00"), row(Aggregation.UNIQUE_COUNT, "4, 10 and -2"),
            row(Aggregation.AVERAGE, "16 over 4 events"),
            row(Aggregation.WEIGHTED_SUM, "(4 x 18 h + 10 x 15 h - 2 x 12 h + 4 x 6 h) / 24 h"),
        ]),
    )


SECTIONS = (rounding, sharing, quantities, tiers, packages, percentages, bounds, matrices)
