"""Quantities are made of events in any order, and rollups say the same as the events."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import (
    NOTHING,
    Aggregation,
    OutsidePeriod,
    Partial,
    Point,
    aggregate,
    merged,
    partial_of,
    result,
    sum_of,
)
from farthing.pricing.calendar import Period
from tests.unit.pricing.strategies import OCTOBER, points

MERGEABLE = ("count", "sum", "min", "max", "latest", "average")
DAY = timedelta(days=1)


def point(
    value: str | None, day: int = 1, id: str = "a", source: str = "", text: bool = False, seconds: int = 0
) -> Point:
    """An event on a day of October 2026."""
    time = OCTOBER.start + timedelta(days=day - 1, seconds=seconds)
    return Point(time, source, id, value if text or value is None else Decimal(value), {})


THREE = [point("5", day=2, id="b"), point("-1.5", day=9, id="a"), point(None, day=20), point("2.5", day=5)]


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [("count", "4"), ("sum", "6"), ("min", "-1.5"), ("max", "5"), ("latest", "-1.5"), ("average", "2")],
)
def test_each_aggregation_looks_at_the_value(aggregation: str, quantity: str) -> None:
    """`count` counts events, the others look at values, and one that is missing does not count (rule 17)."""
    assert aggregate(Aggregation(aggregation), THREE, OCTOBER) == Decimal(quantity)


def test_unique_count_counts_distinct_values() -> None:
    """Of canonical texts; null is none of them (rule 17)."""
    texts = [point(text, text=True) for text in ("a", "b", "a", None, "1", "1")]
    assert aggregate(Aggregation.UNIQUE_COUNT, texts, OCTOBER) == 3


def test_an_average_stays_a_fraction() -> None:
    """10 over 3 events is not 3.33 (rule 17)."""
    thirds = [point("4"), point("4", day=2), point("2", day=3)]
    assert aggregate(Aggregation.AVERAGE, thirds, OCTOBER) == Fraction(10, 3)


@pytest.mark.parametrize("aggregation", Aggregation)
def test_without_events_a_quantity_is_zero(aggregation: Aggregation) -> None:
    """Also where there are events and none has a value; events count all the same (rule 17)."""
    assert aggregate(aggregation, [], OCTOBER) == 0
    counted = 1 if aggregation is Aggregation.COUNT else 0
    assert aggregate(aggregation, [point(None)], OCTOBER) == counted


@pytest.mark.parametrize(
    ("changes", "carried", "quantity"),
    [
        ([], "7", Fraction(7)),
        ([("10", 1)], "0", Fraction(10)),
        ([("31", 31)], "0", Fraction(1)),
        ([("3", 11), ("-1", 21)], "2", Fraction(2 * 31 + 3 * 21 - 11, 31)),
        ([("1", 31), ("1", 31)], "0", Fraction(2, 31)),
    ],
)
def test_a_level_is_weighted_by_its_seconds(
    changes: list[tuple[str, int]], carried: str, quantity: Fraction
) -> None:
    """Level x seconds over the seconds of the period, from the level carried in (rule 17)."""
    found = [point(value, day=day) for value, day in changes]
    assert aggregate(Aggregation.WEIGHTED_SUM, found, OCTOBER, Decimal(carried)) == quantity


def test_the_seconds_are_those_that_passed() -> None:
    """A day of 23 hours has 23: half of it is 41,400 seconds (rule 17)."""
    spring = Period(OCTOBER.start, OCTOBER.start + timedelta(hours=23))
    half = point("2", seconds=41_400)
    assert aggregate(Aggregation.WEIGHTED_SUM, [half], spring) == 1


def test_a_level_over_no_time_is_zero() -> None:
    instant = Period(OCTOBER.start, OCTOBER.start)
    assert aggregate(Aggregation.WEIGHTED_SUM, [], instant, Decimal(7)) == 0


def test_the_latest_is_by_time_then_id_then_source() -> None:
    """Two events of the same microsecond have one order (rule 16)."""
    same = [point("1", id="b", source="x"), point("2", id="a", source="z"), point("3", id="b", source="y")]
    for order in (same, same[::-1], [same[2], same[0], same[1]]):
        assert aggregate(Aggregation.LATEST, order, OCTOBER) == 3
    assert aggregate(Aggregation.LATEST, [*same, point("4", day=2, id="a")], OCTOBER) == 4


@pytest.mark.parametrize("day", [0, 32])
def test_a_point_outside_the_period_is_refused(day: int) -> None:
    """T30: the end is out; counting it would charge it twice."""
    with pytest.raises(OutsidePeriod, match="'late'"):
        aggregate(Aggregation.SUM, [point("1", day=day, id="late")], OCTOBER)
    assert aggregate(Aggregation.SUM, [point("1", day=1)], OCTOBER) == 1


def test_sums_do_not_lose_digits() -> None:
    """38 digits before the point and 38 after it, together and exactly."""
    huge, tiny = "9" * 38, "0." + "0" * 29 + "1" * 38
    assert sum_of([point(huge), point(tiny)]) == Decimal(f"{huge}.{tiny[2:]}")


@given(found=points(), aggregation=st.sampled_from(Aggregation), data=st.data())
def test_any_order_gives_the_same(found: list[Point], aggregation: Aggregation, data: st.DataObject) -> None:
    """Order of arrival changes nothing (rule 16)."""
    shuffled = data.draw(st.permutations(found))
    once = aggregate(aggregation, found, OCTOBER, Decimal(3))
    assert aggregate(aggregation, shuffled, OCTOBER, Decimal(3)) == once


@given(found=points(), aggregation=st.sampled_from(MERGEABLE), data=st.data())
def test_rollups_of_any_partition_say_what_the_events_say(
    found: list[Point], aggregation: str, data: st.DataObject
) -> None:
    """However the events are spread over rollups and in whatever order those are merged (rule 16)."""
    shuffled = data.draw(st.permutations(found))
    cut = data.draw(st.integers(0, len(found)))
    parts = [reduce(merged, map(partial_of, part), NOTHING) for part in (shuffled[:cut], shuffled[cut:])]
    whole = merged(*parts)
    assert result(Aggregation(aggregation), whole) == aggregate(Aggregation(aggregation), found, OCTOBER)


def partials() -> st.SearchStrategy[Partial]:
    return points().map(lambda found: reduce(merged, map(partial_of, found), NOTHING))


@given(partials(), partials(), partials())
def test_merging_is_associative_and_commutative(a: Partial, b: Partial, c: Partial) -> None:
    """With nothing as its neutral element."""
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, b) == merged(b, a)
    assert merged(a, NOTHING) == a == merged(NOTHING, a)


def test_rollups_cannot_count_texts() -> None:
    with pytest.raises(TypeError, match="needs a number"):
        partial_of(point("a", text=True))
    for aggregation in (Aggregation.UNIQUE_COUNT, Aggregation.WEIGHTED_SUM):
        with pytest.raises(KeyError):
            result(aggregation, NOTHING)
