"""From the lines of an invoice as entered to what is owed: coupons, then tax on what they leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.currencies import Currency
from farthing.pricing.discounts import GRANTED, Coupon, credited, discounts
from farthing.pricing.invoicing import Discount, Line, Totals
from farthing.pricing.taxes import Tax, Taxed, Taxpayer, TaxRate, Treatment, relieved, taxed, treatment


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an invoice could not bear of a line below zero: in major units, as that line was entered.

    Above zero, or zero for days that are given back and were worth nothing: no invoice shows them.
    """

    line: Line
    amount: Decimal

    @property
    def is_all(self) -> bool:
        """Whether nothing of it stands on the invoice."""
        return self.amount == -self.line.amount


@dataclass(frozen=True, slots=True)
class Totalled:
    """Lines with their discounts and taxes, net; what each rate comes to; the sums; and credits that found no room."""

    lines: tuple[Line, ...]
    taxes: tuple[Tax, ...]
    totals: Totals
    beyond: tuple[Beyond, ...] = ()


def totalled(
    lines: Sequence[Line], coupons: Sequence[Coupon], rates: Sequence[TaxRate], payer: Taxpayer, currency: Currency,
    granted: Decimal = ZERO,
) -> Totalled:
    """Take coupons off, in order, then granted credit, then what is given back; then put the tax on what is left.

    Rules 19, 27 and 28.

    lines    as entered, in the order of the invoice, amounts rounded
    coupons  those that last, in the order in which they were applied
    granted  the credit that may be used (rule 28)
    raises   CountryMissing, MixedRates
    """
    treatments = [line.taxed_as or treatment(rates, payer, line.tax_code) for line in lines]
    return _totalled(lines, coupons, treatments, currency, granted)


def untaxed(
    lines: Sequence[Line], coupons: Sequence[Coupon], currency: Currency, granted: Decimal = ZERO
) -> Totalled:
    """The same of a draft whose tax nobody can tell yet: coupons and granted credit only."""
    return _totalled(lines, coupons, [Treatment() for _ in lines], currency, granted)


@dataclass(frozen=True, slots=True)
class _Reduced:
    """A line as it costs, what discounts leave of it, and which coupons took what."""

    line: Line
    treatment: Treatment
    entered: Decimal
    left: Decimal
    taken: tuple[Discount, ...] = ()


def _totalled(
    lines: Sequence[Line], coupons: Sequence[Coupon], treatments: Sequence[Treatment], currency: Currency,
    granted: Decimal,
) -> Totalled:
    with exactly():
        reduced = _credited(_reduced(lines, coupons, treatments, currency), granted, currency)
        bearable = [*_bearable(reduced)]
        done = _taxed(bearable, currency)
        while done.totals.total < ZERO:  # tax that is given back at another rate than is asked
            bearable = [*_lessened(bearable, -done.totals.total)]
            done = _taxed(bearable, currency)
        return replace(done, beyond=tuple(_beyond(reduced, bearable)))


def _reduced(
    lines: Sequence[Line], coupons: Sequence[Coupon], treatments: Sequence[Treatment], currency: Currency
) -> list[_Reduced]:
    """Each line less what discounts take: of a charge that takes another's place, the share that the other had."""
    entered = [relieved(line.amount, each, currency) for line, each in zip(lines, treatments, strict=True)]
    of = [ZERO if line.carried is not None else amount for line, amount in zip(lines, entered, strict=True)]
    taken = discounts([line.price for line in lines], of, coupons, currency)
    found = []
    for place, (line, treated, amount) in enumerate(zip(lines, treatments, entered, strict=True)):
        carried = ZERO if line.carried is None else rounded(Fraction(amount) * line.carried, currency)
        mine = tuple(
            Discount(coupon.id, parts[place]) for coupon, parts in zip(coupons, taken, strict=True) if parts[place]
        )
        left = amount - carried - sum((each.amount for each in mine), ZERO)
        found.append(_Reduced(line, treated, amount, left, mine))
    return found


def _credited(reduced: Sequence[_Reduced], granted: Decimal, currency: Currency) -> list[_Reduced]:
    """The same less granted credit, which is shared over all that coupons have left (rules 19 and 28)."""
    parts = credited([one.left for one in reduced], granted, currency)
    return [
        replace(one, left=one.left - part, taken=(*one.taken, Discount(GRANTED, part))) if part else one
        for one, part in zip(reduced, parts, strict=True)
    ]


def _bearable(reduced: Sequence[_Reduced]) -> Iterator[_Reduced]:
    """What an invoice can bear of lines below zero, in order: as far as what is left of the others lasts (rule 19)."""
    left = sum((one.left for one in reduced if one.left > ZERO), ZERO)
    for one in reduced:
        part = max(one.left, -left) if one.left < ZERO else one.left
        left += part if one.left < ZERO else ZERO
        yield one if part == one.left else replace(one, entered=part, left=part)


def _lessened(reduced: Sequence[_Reduced], by: Decimal) -> Iterator[_Reduced]:
    """The same with less given back, the last first."""
    found = []
    for one in reversed(reduced):
        part = min(by, -one.left) if one.left < ZERO else ZERO
        by -= part
        found.append(replace(one, entered=one.entered + part, left=one.left + part) if part else one)
    return reversed(found)


def _beyond(reduced: Sequence[_Reduced], bearable: Sequence[_Reduced]) -> Iterator[Beyond]:
    for was, now in zip(reduced, bearable, strict=True):
        if now.left != was.left or _is_of_nothing(was.line):
            yield Beyond(was.line, now.left - was.left)


def _is_of_nothing(line: Line) -> bool:
    """Whether it gives back days of a fee that was discounted, or given back, as a whole."""
    return line.reason == "proration" and not line.amount


def _taxed(reduced: Sequence[_Reduced], currency: Currency) -> Totalled:
    """With tax on what is left; a line of which nothing could be given back is none."""
    standing = [one for one in reduced if not _is_of_nothing(one.line) and (one.entered or not one.line.amount)]
    found = taxed(
        [one.entered for one in standing], [one.left for one in standing], [one.treatment for one in standing],
        currency,
    )
    done = tuple(_line(one, place, found) for place, one in enumerate(standing))
    return Totalled(done, found.taxes, totals(done))


def _line(one: _Reduced, place: int, found: Taxed) -> Line:
    line = one.line
    entered = one.entered if line.amount < ZERO else line.amount  # what could be given back of it
    return replace(
        line, amount=found.net[place], discount=found.net[place] - found.left[place], tax=found.tax[place],
        tax_rates=tuple(rate.id for rate in one.treatment.rates), discounts=one.taken, entered=entered,
    )


def totals(lines: Sequence[Line]) -> Totals:
    """The sums of an invoice's lines (rule 19)."""
    with exactly():
        subtotal = sum((line.amount for line in lines), ZERO)
        discount_total = sum((line.discount for line in lines), ZERO)
        tax_total = sum((line.tax for line in lines), ZERO)
        return Totals(subtotal, discount_total, tax_total, subtotal - discount_total + tax_total)
