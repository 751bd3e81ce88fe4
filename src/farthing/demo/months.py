"""Which months the sample is about: a month is named by its first day."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from farthing.pricing.calendar import Period, local_day, start_of_day

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)


def last_complete_month(now: datetime, zones: Collection[ZoneInfo], grace: timedelta) -> date:
    """The newest month that has been over for the grace in every zone."""
    return min(previous(local_day(now - grace, zone).replace(day=1)) for zone in zones)


def closing(month: date, zones: Collection[ZoneInfo], grace: timedelta) -> datetime:
    """The first instant at which a month has been over for the grace in every zone."""
    return max(local_month(month, zone).end for zone in zones) + grace


def months_through(first: date, last: date) -> Iterator[date]:
    """Every month from the first to the last; none when that comes before."""
    while first <= last:
        yield first
        first = following(first)


def local_month(month: date, zone: ZoneInfo) -> Period:
    """The month's instants where people live by this zone."""
    return Period(start_of_day(month, zone), start_of_day(following(month), zone))


def following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def previous(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def month_name(month: date) -> str:
    """Such as "October 2026", whatever the machine's language."""
    return f"{MONTHS[month.month - 1]} {month.year}"
