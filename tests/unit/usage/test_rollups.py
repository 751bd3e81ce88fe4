"""Rollups add up exactly, in any order, whatever the numbers: what pricing makes of the points one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from farthing.kernel.columns import instant_stored
from farthing.pricing.aggregation import NOTHING, Point, merged, partial_of
from farthing.pricing.calendar import Period
from farthing.usage.quantities.rollups import Rollup, whole_slots
from farthing.usage.quantities.steps import DAY, Placed, StoredPoint
from farthing.usage.quantities.units import decimal_of, fits, units_of

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-10**20, 10**20), st.integers(0, 30)
)
POINTS = st.lists(st.tuples(st.integers(-10, 10), st.sampled_from("abc"), NUMBERS | st.none()), max_size=12)


@given(NUMBERS)
def test_units_are_the_number_itself(number: Decimal) -> None:
    assert decimal_of(units_of(number)) == number
    assert not fits(units_of(number)) or number * 10**9 == int(units_of(number))


@given(points=POINTS, cut=st.integers(0, 12))
def test_a_rollup_says_what_its_points_say(points: Sequence[tuple[int, str, Decimal | None]], cut: int) -> None:
    seen = [
        Placed(StoredPoint("m", 1, time, 1, "s", id, None, "{}"), None if value is None else units_of(value), {})
        for time, id, value in points
    ]
    one, other = Rollup(), Rollup()
    for place, point in enumerate(seen):
        (one if place < cut else other).count(point)
    one.add(other)
    partials = (partial_of(Point(instant_stored(time), "s", id, value, {})) for time, id, value in points)
    assert one.partial == reduce(merged, partials, NOTHING)


def test_whole_days_are_those_of_utc_that_lie_inside() -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    inside = Period(day.replace(day=1, hour=1), day.replace(day=3, hour=23))
    assert whole_slots(inside, DAY) == Period(day, day.replace(day=3))
    assert whole_slots(Period(day, day.replace(day=3)), DAY) == Period(day, day.replace(day=3))
    assert whole_slots(Period(day.replace(hour=1), day.replace(day=3, hour=23)), DAY) is None
