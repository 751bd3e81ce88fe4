"""What usage that came late, or was voided, makes of a period that is billed already (rule 18)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.agreements import Segment
from farthing.pricing.arithmetic import ZERO, Exact, exactly, minus, rounded
from farthing.pricing.calendar import Period
from farthing.pricing.charges import nulls_last
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Line, usage_line
from farthing.pricing.rating import Group, GroupRating, Rating
from farthing.pricing.taxes import Treatment


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """A line of a finalised invoice that charges usage: in its own time, or late.

    place         the price's key, the group and the part of a usage period that it charges
    rated         its amount as it was rated, above zero
    corrected     what of that later lines took back, as it was rated
    quantity      what it charges, less what later lines took back of it
    after         what it came to after discounts, with tax in it where its rates are inclusive
    left          what of that may still be given back
    treatment     how it was taxed
    """

    invoice: str
    line: str
    place: tuple[str, Group, Period]
    rated: Decimal
    corrected: Decimal
    quantity: Exact
    after: Decimal
    left: Decimal
    treatment: Treatment

    @property
    def standing(self) -> Decimal:
        """What it charges still, as it was rated."""
        return self.rated - self.corrected


def late_lines(
    segment: Segment, ratings: Sequence[GroupRating], billed: Sequence[BilledUsage], first: tuple[str, str] | None,
    currency: Currency,
) -> Iterator[Line]:
    """What makes what was billed of a part of a usage period what all its events come to, group by group.

    ratings  of all events known by now
    billed   the lines that charge it, the oldest first
    first    the invoice and line that a group without one corrects; None where there is none
    returns  amounts as entered, rounded; a credit is below zero, for each line that it gives back of
    """
    price, period = segment.price, segment.part.period
    known = {one.group: one.rating for one in ratings}
    groups = known.keys() | {one.place[1] for one in billed if one.place[0] == price.key and one.place[2] == period}
    for group in sorted(groups, key=nulls_last):
        rating = known.get(group, Rating(ZERO, ZERO, ZERO, ()))
        mine = [one for one in billed if one.place == (price.key, group, period)]
        with exactly():
            change = rating.amount - sum((one.standing for one in mine), ZERO)
            line = _late_line(segment, GroupRating(group, rating), mine)
        if change > ZERO:
            yield replace(line, amount=change, corrects=(mine[0].invoice, mine[0].line) if mine else first)
        elif change < ZERO:
            yield from _credits(line, mine, -change, currency)


def _late_line(segment: Segment, one: GroupRating, mine: Sequence[BilledUsage]) -> Line:
    """The line that the usage would have, with what the quantity changed by."""
    line = usage_line(segment, one)
    quantity: Exact = line.quantity
    for each in mine:
        quantity = minus(quantity, each.quantity)
    return replace(line, description=f"{line.description}: late usage", quantity=quantity, reason="late_usage")


def _credits(line: Line, mine: Sequence[BilledUsage], change: Decimal, currency: Currency) -> Iterator[Line]:
    """What is given back of each line, the oldest first: less the discount it had, never more than is left of it."""
    with exactly():
        for one in mine:
            part = min(change, _most(one, currency))
            if not part:
                continue
            amount = min(_share(one, one.corrected + part, currency) - _share(one, one.corrected, currency), one.left)
            change -= part
            if amount > ZERO:
                yield replace(
                    line, amount=-amount, corrects=(one.invoice, one.line), taxed_as=one.treatment, rated=-part,
                )
                line = replace(line, quantity=ZERO)


def _share(one: BilledUsage, rated: Decimal, currency: Currency) -> Decimal:
    """What a part of a line came to after its discount: of all of it exactly that."""
    return rounded(Fraction(one.after) * Fraction(rated) / Fraction(one.rated), currency)


def _most(one: BilledUsage, currency: Currency) -> Decimal:
    """How much of a line can be taken back, as it was rated: what credit notes gave back is not given again."""
    if one.standing <= ZERO or not one.after:
        return max(one.standing, ZERO)
    if one.after - _share(one, one.corrected, currency) <= one.left:
        return one.standing
    return min(one.standing, rounded(Fraction(one.left) * Fraction(one.rated) / Fraction(one.after), currency))
