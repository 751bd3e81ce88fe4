"""What a change in mid-period gives back of fees that were billed in advance, and what it charges instead (rule 14)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from farthing.pricing.agreements import Stretch, days_of, outside
from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import ONE, Line, stretch_line
from farthing.pricing.taxes import Treatment


@dataclass(frozen=True, slots=True)
class BilledFee:
    """A line of a finalised invoice that charges a fee for some days.

    invoice, line  by identifier
    stretch        what it charges, and for which days
    entered        its amount as entered, with tax in it where its rates are inclusive
    discount       of that
    treatment      how it was taxed
    credited       the days that were given back already
    left           what of the entered amount, less its discount, may still be given back
    """

    invoice: str
    line: str
    description: str
    stretch: Stretch
    entered: Decimal
    discount: Decimal
    treatment: Treatment
    credited: tuple[Period, ...] = ()
    left: Decimal = ZERO

    @property
    def discounted(self) -> Fraction:
        """The share of it that discounts took."""
        return Fraction(self.discount) / Fraction(self.entered) if self.entered else Fraction(0)


def adjusting_lines(
    billed: Sequence[BilledFee], owed: Sequence[Stretch], window: tuple[datetime | None, datetime], zone: ZoneInfo,
    currency: Currency, started: Period | None = None,
) -> tuple[Line, ...]:
    """The credits, then the charges, that make what was billed what is owed, as far as they begin in the window.

    billed   the fees of finalised invoices that stand, in the order in which they were issued
    owed     the stretches of all plan periods whose own boundary is closed, by the plan's order of prices
    window   begins after the first, not later than the second: a change waits for the boundary after its day
    started  the plan period that the same invoice charges: what was billed for days in it is given back first
    returns  amounts as entered, rounded; a credit names the line that it gives back of, and is below zero, or zero
             where nothing is left of that: its days are given back all the same
    """
    with exactly():
        credits = [line for one in billed for line in _credits(one, owed, window, zone, currency, started)]
        charges = [
            _charge(piece, billed, zone, currency) for one in owed for piece in unbilled(one, billed, zone)
            if _begins_in(piece.period, window)
        ]
        return *credits, *(line for line in charges if line.amount)


def _begins_in(days: Period, window: tuple[datetime | None, datetime]) -> bool:
    after, until = window
    return (after is None or days.start > after) and days.start <= until


def _unused(one: BilledFee, owed: Sequence[Stretch]) -> Iterator[Period]:
    """The days of a fee that are not owed any more, or not on its terms; a fee without `prorate` has none."""
    if one.stretch.price.prorate:
        kept = [each.period for each in owed if each.charges == one.stretch.charges]
        yield from outside([*kept, *one.credited], [one.stretch.period])


def unbilled(one: Stretch, billed: Sequence[BilledFee], zone: ZoneInfo) -> Iterator[Stretch]:
    """The days that are owed and that no line charges on these terms."""
    if not one.price.prorate:
        if not any(_charges_whole(each, one) for each in billed):
            yield one
        return
    charged = [days for each in billed if _charges(each, one) for days in outside(each.credited, [each.stretch.period])]
    for days in outside(charged, [one.period]):
        yield replace(one, period=days, days=days_of(days, zone))


def _charges_whole(one: BilledFee, owed: Stretch) -> bool:
    """Whether a fee without `prorate` was charged for this plan period already."""
    same = one.stretch.price.key == owed.price.key and not one.stretch.price.prorate
    return same and owed.period.start <= one.stretch.period.start < owed.period.end


def _charges(one: BilledFee, owed: Stretch) -> bool:
    """Whether it charges its days so, or whole for the plan period and for all that the fee may change to (rule 13)."""
    whole = one.stretch.price.key == owed.price.key and not one.stretch.price.prorate
    return whole or one.stretch.charges == owed.charges


def _credits(
    one: BilledFee, owed: Sequence[Stretch], window: tuple[datetime | None, datetime], zone: ZoneInfo,
    currency: Currency, started: Period | None,
) -> Iterator[Line]:
    """The unused days' share of what a line came to after discount: of all its days together exactly that."""
    of = days_of(one.stretch.period, zone)
    whole = Fraction(one.entered - one.discount)
    before, left = sum(days_of(each, zone) for each in one.credited), one.left
    for days in _unused(one, owed):
        if _begins_in(days, window) or (started is not None and days.start in started):
            after = before + days_of(days, zone)
            share = rounded(whole * Fraction(after, of), currency) - rounded(whole * Fraction(before, of), currency)
            amount = min(share, left)
            yield _credit(one, days, (after - before, of), amount)
            before, left = after, left - amount


def _credit(one: BilledFee, days: Period, share: tuple[int, int], amount: Decimal) -> Line:
    return Line(
        f"{one.description}: {share[0]} of {share[1]} days given back", one.stretch.price.key, (), days, -ONE, None,
        -amount, "proration", one.stretch.price.tax_code, corrects=(one.invoice, one.line), terms=one.stretch.mark,
        taxed_as=one.treatment, prorated=share,
    )


def _charge(piece: Stretch, billed: Sequence[BilledFee], zone: ZoneInfo, currency: Currency) -> Line:
    """The new days, less the share of discount that the line had which charged them before, and which it names: that
    one's invoice stands as long as this one does (rules 14 and 20)."""
    line = stretch_line(piece, currency)
    overlapping = [each for each in billed if _overlap(each.stretch.period, piece.period)]
    same = [each for each in overlapping if each.stretch.price.key == piece.price.key]
    of = same[-1:] or overlapping
    entered = sum((each.entered for each in of), ZERO)
    taken = sum((each.discount for each in of), ZERO)
    share = Fraction(taken) / Fraction(entered) if entered else Fraction(0)
    corrects = (of[-1].invoice, of[-1].line) if of else None
    return replace(line, carried=share, corrects=corrects)


def _overlap(one: Period, other: Period) -> bool:
    return one.start < other.end and other.start < one.end
