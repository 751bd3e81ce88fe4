"""What comes late, or is voided, corrects what was billed: in the end all events are charged once (rule 18)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import Aggregation, Point
from farthing.pricing.agreements import Segment
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.boundaries import Part
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line
from farthing.pricing.late_usage import BilledUsage, late_lines
from farthing.pricing.prices import Billing, Charge, Graduated, Package, Percentage, PerUnit, Price, Volume
from farthing.pricing.rating import GroupRating, rate_metered
from farthing.pricing.taxes import Treatment
from tests.unit.pricing.strategies import OCTOBER, amounts, points, tiers

USD = currency("USD")
NUMERIC = [one for one in Aggregation if one is not Aggregation.UNIQUE_COUNT]


def segment_of(charge: Charge, group_by: tuple[str, ...] = ()) -> Segment:
    price = Price("calls", "Calls", charge, "calls", Billing.IN_ARREARS, group_by=group_by)
    return Segment(price, Part(OCTOBER, 31, 31))


def rated(segment: Segment, aggregation: Aggregation, counted: Sequence[Point]) -> tuple[GroupRating, ...]:
    return rate_metered(segment.price, aggregation, counted, OCTOBER, USD)


def charged(billed: list[BilledUsage], line: Line) -> None:
    """What a line does to what stands."""
    if line.amount > ZERO:
        number, after = str(len(billed)), line.amount
        place = ("calls", line.group, OCTOBER)
        new = BilledUsage(number, number, place, line.amount, ZERO, line.quantity, after, after, Treatment())
        billed.append(new)
        return
    assert line.corrects is not None
    assert line.rated is not None
    was = billed[int(line.corrects[1])]
    billed[int(line.corrects[1])] = replace(
        was, corrected=was.corrected - line.rated, left=was.left + line.amount
    )


def models() -> st.SearchStrategy[Charge]:
    return st.one_of(
        amounts().map(PerUnit), tiers().map(Graduated), tiers().map(Volume),
        amounts().map(lambda amount: Package(Decimal(10), amount)),
    )


@given(
    charge=models(), aggregation=st.sampled_from(NUMERIC), found=points(), data=st.data(),
    grouped=st.booleans(),
)
def test_however_late_events_come_they_are_charged_as_if_all_had_been_on_time(
    charge: Charge, aggregation: Aggregation, found: list[Point], data: st.DataObject, grouped: bool
) -> None:
    """In any number of rounds, in any order, and with events voided in between."""
    segment = segment_of(charge, ("region",) if grouped else ())
    billed: list[BilledUsage] = []
    inside = [one for one in found if one.time in OCTOBER]
    for _ in range(data.draw(st.integers(1, 4))):
        known = [one for one in inside if data.draw(st.booleans())]
        for line in late_lines(segment, rated(segment, aggregation, known), list(billed), None, USD):
            assert line.amount
            charged(billed, line)
        due = {one.group: one.rating.amount for one in rated(segment, aggregation, known) if one.rating.amount}
        standing: dict[tuple[str | None, ...], Decimal] = {}
        for one in billed:
            standing[one.place[1]] = standing.get(one.place[1], ZERO) + one.standing
            assert one.standing == one.left >= ZERO
        assert {group: amount for group, amount in standing.items() if amount} == due
        assert not [*late_lines(segment, rated(segment, aggregation, known), billed, None, USD)]


@given(rounds=st.lists(st.integers(0, 5000), min_size=2, max_size=6), percent=st.integers(0, 100))
def test_what_is_given_back_had_the_discount_of_what_was_charged(rounds: list[int], percent: int) -> None:
    """Never more than is left of a line, and of all of it exactly what it came to."""
    segment = segment_of(PerUnit(Decimal("0.01")))
    billed: list[BilledUsage] = []
    for units in [*rounds, 0]:
        point = Point(OCTOBER.start, "", "1", Decimal(units), {})
        found = [*late_lines(segment, rated(segment, Aggregation.SUM, [point]), list(billed), None, USD)]
        for line in found:
            if line.amount > ZERO:
                discounted = (line.amount * (100 - percent) / 100).quantize(Decimal("0.01"))
                charged(billed, line)
                billed[-1] = replace(billed[-1], after=discounted, left=discounted)
            else:
                charged(billed, line)
        assert all(one.left >= ZERO for one in billed)
    assert all(one.left == ZERO for one in billed)


def test_a_percentage_of_events_is_corrected_too() -> None:
    """Three percent of 10.00 and of 20.00; the first is voided (rule 8)."""
    segment = segment_of(Percentage(Decimal(3)))
    ten, twenty = (Point(OCTOBER.start, "", id, Decimal(id), {}) for id in ("10", "20"))
    billed: list[BilledUsage] = []
    for known in ([ten], [ten, twenty], [twenty]):
        for line in late_lines(segment, rated(segment, Aggregation.SUM, known), list(billed), None, USD):
            charged(billed, line)
    assert [(one.rated, one.corrected) for one in billed] == [
        (Decimal("0.30"), Decimal("0.30")), (Decimal("0.60"), Decimal("0.00")),
    ]


def test_a_line_of_nothing_is_no_obstacle() -> None:
    """Usage below zero priced as nothing has a line; what a later one charged is given back all the same (rule 4)."""
    segment = segment_of(PerUnit(Decimal(2)))
    place = ("calls", (), OCTOBER)
    nothing = BilledUsage("0", "0", place, ZERO, ZERO, Decimal(-1), ZERO, ZERO, Treatment())
    later = BilledUsage("1", "1", place, Decimal(6), ZERO, Decimal(4), Decimal(6), Decimal(6), Treatment())
    [line] = late_lines(segment, rated(segment, Aggregation.SUM, ()), [nothing, later], None, USD)
    assert (line.amount, line.corrects) == (Decimal(-6), ("1", "1"))
