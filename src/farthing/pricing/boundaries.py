"""The moments at which a subscription is billed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from farthing.pricing.calendar import Period, Schedule, start_of_day


class NotAPeriodEnd(ValueError):
    """A subscription that would end within a period."""

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"{ends_at.isoformat()} is not the end of a period.")


@dataclass(frozen=True, slots=True)
class Boundary:
    """A moment with the period that ends there and the one that starts there.

    ended    None at the first paid day
    started  None at the subscription's own end
    """

    at: datetime
    ended: Period | None
    started: Period | None


def boundaries(
    schedule: Schedule, ends_at: datetime | None, after: datetime | None, until: datetime
) -> Iterator[Boundary]:
    """The boundaries of a subscription with `after < at <= until`, rising strictly (rule 25).

    schedule  its full periods; one that lasts no time, because its zone left the days out, has no boundary
    ends_at   the subscription's own end, in UTC; raises NotAPeriodEnd unless a period ends there
    after     None for all from the first paid day on
    returns   none for a subscription that ends before it begins; raises OutsideCalendar after year 9999
    """
    for boundary in _rising(schedule, ends_at, after):
        if boundary.at > until:
            return
        if after is None or boundary.at > after:
            yield boundary


def _rising(schedule: Schedule, ends_at: datetime | None, after: datetime | None) -> Iterator[Boundary]:
    """Every boundary from the last one at or before `after` on: years are not walked through again."""
    begin = start_of_day(schedule.first, schedule.zone)
    if ends_at is not None and (ends_at <= begin or (after is not None and after >= ends_at)):
        return
    n = 0 if after is None or after < begin else schedule.index_at(after)
    ended: Period | None = None
    for period in filter(_lasts, map(schedule.period, count(n))):
        started = None if ended and ended.end == ends_at else period
        if started and ends_at is not None and started.end > ends_at:
            raise NotAPeriodEnd(ends_at)
        yield Boundary(period.start, ended, started)
        if started is None:
            return
        ended = period


def _lasts(period: Period) -> bool:
    return not period.is_empty
