"""From events to a quantity; whatever order they arrive in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from operator import attrgetter
from typing import TypeAlias, TypeVar, cast

from farthing.pricing.arithmetic import EXACT, ZERO, Exact, exactly
from farthing.pricing.calendar import Period

Properties: TypeAlias = Mapping[str, str | None]
"""Property to canonical text, numbers by their canonical digits; None, like a missing key, for null."""

_MICROSECOND = timedelta(microseconds=1)


class Aggregation(StrEnum):
    """How a meter makes a quantity of events."""

    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    MIN = "min"
    LATEST = "latest"
    UNIQUE_COUNT = "unique_count"
    AVERAGE = "average"
    WEIGHTED_SUM = "weighted_sum"


@dataclass(frozen=True, slots=True)
class Point:
    """An event as pricing sees it.

    time    in UTC
    id      unique together with `source`
    value   a number, or for unique_count canonical text; None when missing or null
    """

    time: datetime
    source: str
    id: str
    value: Decimal | str | None
    properties: Properties


class OutsidePeriod(ValueError):
    """A point that does not lie in the period it was to be counted in."""

    def __init__(self, point: Point, period: Period) -> None:
        super().__init__(
            f"Event {point.id!r} at {point.time.isoformat()} lies outside "
            f"{period.start.isoformat()} to {period.end.isoformat()}."
        )


@dataclass(frozen=True, slots=True)
class Over:
    """Of what a period is a part, where it is not all that is billed.

    full    the full period, over whose seconds a level is averaged (rule 17)
    paused  what of the period is not billed, apart (rule 15)
    """

    full: Period
    paused: tuple[Period, ...] = ()

    def is_paused(self, instant: datetime) -> bool:
        return any(instant in pause for pause in self.paused)

    def billed(self, start: datetime, end: datetime) -> timedelta:
        """How much time between two instants no pause takes."""
        taken = (min(end, pause.end) - max(start, pause.start) for pause in self.paused)
        return sum((-each for each in taken if each > timedelta()), end - start)


def in_order(point: Point) -> tuple[datetime, str, str]:
    """What sorts points, whatever order they arrived in: time, then id, then source (rule 16)."""
    return point.time, point.id, point.source


def aggregate(
    aggregation: Aggregation, points: Iterable[Point], period: Period, carried: Decimal = ZERO,
    over: Over | None = None,
) -> Exact:
    """The quantity that a meter makes of the points of one period (rule 17).

    points   each event once, all inside the period, else OutsidePeriod is raised
    carried  for weighted_sum, whose points are changes of a level: the level that all earlier ones left
    over     for weighted_sum: the full period and its pauses; None where the period is full and has none
    returns  in the meter's unit, exact; 0 without points, but for a level carried in; may be negative
    """
    points = list(points)
    require_inside(points, period)
    with exactly():
        if aggregation is Aggregation.COUNT:
            return Decimal(len(points))
        if aggregation is Aggregation.UNIQUE_COUNT:
            return Decimal(len({point.value for point in points if point.value is not None}))
        counted = [point for point in points if point.value is not None]
        if aggregation is Aggregation.WEIGHTED_SUM:
            return _weighted_sum(counted, period, carried, over or Over(period))
        return _OF_NUMBERS[aggregation](counted) if counted else ZERO


def require_inside(points: Sequence[Point], period: Period) -> None:
    """Raise OutsidePeriod for a point outside: it would be charged twice, or change a level from before."""
    start, end = period.start, period.end
    for point in points:
        if not start <= point.time < end:
            raise OutsidePeriod(point, period)


def sum_of(points: Iterable[Point]) -> Decimal:
    """The exact sum of the values there are: of changes, the level that they leave behind."""
    with exactly():
        return sum(_numbers([point for point in points if point.value is not None]), ZERO)


def _numbers(counted: Sequence[Point]) -> list[Decimal]:
    return cast("list[Decimal]", [point.value for point in counted])


_number: Callable[[Point], Decimal] = attrgetter("value")

_OF_NUMBERS: Mapping[Aggregation, Callable[[Sequence[Point]], Exact]] = {
    Aggregation.SUM: lambda counted: sum(_numbers(counted), ZERO),
    Aggregation.MAX: lambda counted: max(_numbers(counted)),
    Aggregation.MIN: lambda counted: min(_numbers(counted)),
    Aggregation.LATEST: lambda counted: _number(max(counted, key=in_order)),
    Aggregation.AVERAGE: lambda counted: Fraction(sum(_numbers(counted), ZERO)) / Fraction(len(counted)),
}


def _weighted_sum(changes: Sequence[Point], period: Period, carried: Decimal, over: Over) -> Exact:
    """Sum of level x seconds over the full period's seconds: each change counts until the end, in any order."""
    if over.full.is_empty:
        return ZERO
    held = carried * _microseconds(over.billed(period.start, period.end))
    for change in changes:
        held += _number(change) * _microseconds(over.billed(change.time, period.end))
    return Fraction(held) / Fraction(_microseconds(over.full.end - over.full.start))


def _microseconds(duration: timedelta) -> int:
    return duration // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Partial:
    """What a rollup keeps of some events; `merged` makes one of two.

    events   all of them
    counted  those with a value, of which the rest speaks
    latest   (time, id, source, value) of the last one
    """

    events: int = 0
    counted: int = 0
    total: Decimal = ZERO
    least: Decimal | None = None
    greatest: Decimal | None = None
    latest: tuple[datetime, str, str, Decimal] | None = None


NOTHING = Partial()
"""No events: merging it changes nothing."""


def partial_of(point: Point) -> Partial:
    """One event, with a number or without; raises TypeError for text, which no partial can count."""
    value = point.value
    if value is None:
        return Partial(events=1)
    if isinstance(value, str):
        raise TypeError(f"A rollup needs a number, not the text {value[:40]!r}.")
    return Partial(1, 1, value, value, value, (*in_order(point), value))


def merged(one: Partial, other: Partial) -> Partial:
    """Both together, exactly; in any order and grouped in any way."""
    return Partial(
        one.events + other.events,
        one.counted + other.counted,
        EXACT.add(one.total, other.total),
        _of_both(min, one.least, other.least),
        _of_both(max, one.greatest, other.greatest),
        _of_both(max, one.latest, other.latest),
    )


_T = TypeVar("_T")


def _of_both(pick: Callable[[_T, _T], _T], one: _T | None, other: _T | None) -> _T | None:
    if one is None or other is None:
        return other if one is None else one
    return pick(one, other)


def result(aggregation: Aggregation, partial: Partial) -> Exact:
    """The quantity of a rollup, the same that `aggregate` makes of its events.

    raises  KeyError for unique_count and weighted_sum, which need the events
    """
    return _OF_PARTIAL[aggregation](partial)


_OF_PARTIAL: Mapping[Aggregation, Callable[[Partial], Exact]] = {
    Aggregation.COUNT: lambda partial: Decimal(partial.events),
    Aggregation.SUM: lambda partial: partial.total,
    Aggregation.MIN: lambda partial: partial.least or ZERO,
    Aggregation.MAX: lambda partial: partial.greatest or ZERO,
    Aggregation.LATEST: lambda partial: partial.latest[3] if partial.latest else ZERO,
    Aggregation.AVERAGE: lambda partial: (
        Fraction(partial.total) / Fraction(partial.counted) if partial.counted else ZERO
    ),
}
