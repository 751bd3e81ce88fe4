"""Local days and the periods that they fall into, walked one by one (rules 11 and 12)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Days:
    """Local days, half-open."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __len__(self) -> int:
        return (self.end - self.start).days

    def each(self) -> list[date]:
        return [self.start + DAY * number for number in range(len(self))]

    def cut(self, start: date, end: date | None) -> "Days":
        return Days(max(self.start, start), self.end if end is None else min(self.end, end))


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def begins(at: datetime, zone: str) -> date:
    """The day on which a start, a change or a resumption takes effect (rule 13)."""
    return local_day(at, zone)


def ends(at: datetime, zone: str) -> date:
    """The first day after a cancellation, a pause or an end: an instant that is midnight is the border (rule 13)."""
    day = local_day(at, zone)
    return day if midnight(day, zone) == at else day + DAY


def months_later(anchor: date, months: int) -> date:
    """The same day of a later month, or the last one that the month has."""
    year, month = anchor.year, anchor.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))


def begins_in_calendar(day: date, interval: str) -> bool:
    return {
        "day": True,
        "week": day.weekday() == 0,
        "month": day.day == 1,
        "quarter": day.day == 1 and day.month in (1, 4, 7, 10),
        "year": day.day == 1 and day.month == 1,
    }[interval]


def calendar_period(day: date, interval: str) -> Days:
    start, end = day, day + DAY
    while not begins_in_calendar(start, interval):
        start -= DAY
    while not begins_in_calendar(end, interval):
        end += DAY
    return Days(start, end)


def anniversary(anchor: date, interval: str, number: int) -> date:
    if interval == "day":
        return anchor + DAY * number
    if interval == "week":
        return anchor + DAY * 7 * number
    return months_later(anchor, MONTHS[interval] * number)


def anniversary_period(anchor: date, day: date, interval: str, count: int) -> Days:
    number = 0
    while anniversary(anchor, interval, number + count) <= day:
        number += count
    return Days(anniversary(anchor, interval, number), anniversary(anchor, interval, number + count))
