"""Local days, the periods of a subscription and the windows of a query; every interval is half-open."""

from calendar import monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["day", "week", "month", "quarter", "year"]
Window = Literal["hour", "day", "month", "none"]

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


class OutsideCalendar(ValueError):
    """A day or an instant that would lie before year 1 or after year 9999."""

    def __init__(self) -> None:
        super().__init__("The calendar runs from year 1 to year 9999.")


class BeforeSchedule(ValueError):
    """An instant before the first period."""

    def __init__(self, instant: datetime, first: date) -> None:
        super().__init__(f"{instant.isoformat()} lies before the first period, which starts on {first}.")


class NoCalendarPeriods(ValueError):
    """A calendar schedule of an interval that the calendar does not have."""

    def __init__(self, interval: "Interval") -> None:
        super().__init__(f"The calendar has no periods of {interval.count} {interval.unit}.")


@contextmanager
def _within_the_calendar() -> Iterator[None]:
    try:
        yield
    except OverflowError:
        raise OutsideCalendar from None


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from `start` up to but not including `end`, both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        # times of one zone are subtracted by their clock faces, which would make the day of a change 24 hours
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError(f"{self.start} and {self.end} are not both in UTC.")
        if self.start > self.end:
            raise ValueError(f"{self.start} lies after {self.end}.")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    @property
    def is_empty(self) -> bool:
        """Whether it holds no instant, as the period of a day does that its zone left out."""
        return self.start == self.end


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local day that holds an instant; raises OutsideCalendar at the ends of the calendar.

    It is the date on the clock, but for the minutes that are lived again when a clock is put back across
    midnight (St John's, 2010): the new day has begun by then, and they are its.
    """
    with _within_the_calendar():
        day = instant.astimezone(zone).date()
        if day < date.max and start_of_day(day + _DAY, zone) <= instant:
            day += _DAY
    return day


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins, in UTC (rule 11).

    That is local midnight, the first of two where the clock shows it twice, and the first instant of the day
    where it is not shown at all. A day that the zone left out begins when the next one does, so it lasts no
    time. Raises OutsideCalendar when the instant lies outside years 1 to 9999.
    """
    midnight = datetime.combine(day, time.min, zone)
    with _within_the_calendar():
        start = midnight.astimezone(UTC)
        if start.astimezone(zone) == midnight:  # within one zone, times compare by their clock faces
            return start
        return _end_of_gap(midnight, zone)


def _end_of_gap(midnight: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a clock jumps over this midnight; jumps begin at whole seconds."""
    before = midnight.replace(fold=1).astimezone(UTC)  # with the offset after the jump: too early
    after = midnight.astimezone(UTC)  # with the offset before it: the jump or later
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone) < midnight:
            before = middle
        else:
            after = middle
    return after


@dataclass(frozen=True, slots=True)
class Interval:
    """A number of calendar units, such as 3 months; `count` is at least 1."""

    unit: Unit
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"An interval of {self.count} {self.unit} would never end.")

    def divides(self, other: "Interval") -> bool:
        """Whether the other is always a whole number of these, as a year is of months and never of weeks."""
        if self.unit == "day" and self.count == 1:
            return True
        for lengths in (_DAYS_OF, _MONTHS_OF):
            if self.unit in lengths and other.unit in lengths:
                return lengths[other.unit] * other.count % (lengths[self.unit] * self.count) == 0
        return False


class Anchor(StrEnum):
    """What the periods of a subscription follow: the calendar, or the day it began."""

    CALENDAR = "calendar"
    ANNIVERSARY = "anniversary"


def calendar_start(day: date, unit: Unit) -> date:
    """The first day of the calendar period that holds a local day (rule 12).

    Weeks start on Monday, months on the 1st, quarters in January, April, July and October, years in January.
    """
    match unit:
        case "day":
            return day
        case "week":
            with _within_the_calendar():
                return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "year":
            return day.replace(month=1, day=1)


_DAYS_OF: dict[Unit, int] = {"day": 1, "week": 7}
_MONTHS_OF: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Schedule:
    """The full periods of a subscription, numbered from 0, tiling the time from its first day on.

    first  a local day of period 0: with a calendar anchor that may have started before it, else it starts there;
           raises NoCalendarPeriods for a calendar anchor and an interval with a count
    """

    first: date
    interval: Interval
    anchor: Anchor
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.anchor is Anchor.CALENDAR and self.interval.count != 1:
            raise NoCalendarPeriods(self.interval)

    @property
    def origin(self) -> date:
        """The local day on which period 0 starts; raises OutsideCalendar."""
        return calendar_start(self.first, self.interval.unit) if self.anchor is Anchor.CALENDAR else self.first

    def first_day(self, n: int) -> date:
        """The local day on which period n starts; raises OutsideCalendar.

        Months are counted from the first day every time and clamped to shorter ones, so that periods return
        to the original day: 31 January, 28 February, 31 March.
        """
        unit = self.interval.unit
        with _within_the_calendar():
            if unit in _DAYS_OF:
                return self.origin + timedelta(days=_DAYS_OF[unit] * self.interval.count * n)
            return _months_later(self.origin, _MONTHS_OF[unit] * self.interval.count * n)

    def period(self, n: int) -> Period:
        """Period number n; empty when the zone left its days out; raises OutsideCalendar."""
        start, end = self.first_day(n), self.first_day(n + 1)
        return Period(start_of_day(start, self.zone), start_of_day(end, self.zone))

    def index_at(self, instant: datetime) -> int:
        """The number of the period that holds an instant; raises BeforeSchedule and OutsideCalendar."""
        day = local_day(instant, self.zone)
        n = self._about(day)
        if day < self.first or instant < start_of_day(self.first, self.zone):
            raise BeforeSchedule(instant, self.first)
        # off by one where a month is clamped, and at a day that the zone left out
        while instant < start_of_day(self.first_day(n), self.zone):
            n -= 1
        while instant >= start_of_day(self.first_day(n + 1), self.zone):
            n += 1
        return n

    def _about(self, day: date) -> int:
        unit, length = self.interval.unit, self.interval.count
        if unit in _DAYS_OF:
            return (day - self.origin).days // (_DAYS_OF[unit] * length)
        return (_month(day) - _month(self.origin)) // (_MONTHS_OF[unit] * length)


def periods(schedule: Schedule) -> Iterator[Period]:
    """All periods in order, empty ones too; without an end, so it raises OutsideCalendar after year 9999."""
    return map(schedule.period, count())


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _months_later(day: date, months: int) -> date:
    year, month = divmod(_month(day) + months, 12)
    if not 1 <= year <= 9999:
        raise OutsideCalendar
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def windows(period: Period, window: Window, zone: ZoneInfo) -> Iterator[Period]:
    """The windows that a period is cut into, clipped to it, in order and without empty ones.

    Days and months are the zone's. Hours are counted from local midnight on, each of 3,600 seconds, so that
    the day of a change has 23 or 25 and a zone at +05:45 is cut at its own hours. Raises OutsideCalendar.
    """
    if period.is_empty:
        return
    start = period.start
    for cut in _cuts(period, window, zone):
        if start < cut:
            yield Period(start, min(cut, period.end))
            start = cut
        if cut >= period.end:
            return


def _cuts(period: Period, window: Window, zone: ZoneInfo) -> Iterator[datetime]:
    """Where windows end, rising: from some instant after the last midnight to one at or after the end."""
    if window == "none":
        yield period.end
        return
    day = local_day(period.start, zone)
    start = start_of_day(day, zone)
    while start < period.end:
        day = _months_later(day.replace(day=1), 1) if window == "month" else _next(day)
        end = start_of_day(day, zone)
        if window == "hour":
            yield from _hours(max(start, _last_hour(start, period.start)), end)
        yield end
        start = end


def _next(day: date) -> date:
    with _within_the_calendar():
        return day + _DAY


def _last_hour(midnight: datetime, instant: datetime) -> datetime:
    return midnight + (instant - midnight) // _HOUR * _HOUR


def _hours(start: datetime, end: datetime) -> Iterator[datetime]:
    while (start := start + _HOUR) < end:
        yield start
