"""The moments at which a subscription is billed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import count

from farthing.pricing.calendar import Period, Schedule, local_day, start_of_day

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """The local days of a full period on which a subscription lives (rule 13).

    days  how many they are; a date that the zone left out counts as one
    of    how many the full period has
    """

    period: Period
    days: int
    of: int

    @property
    def share(self) -> Fraction:
        return Fraction(self.days, self.of)

    @property
    def is_whole(self) -> bool:
        return self.days == self.of


@dataclass(frozen=True, slots=True)
class Life:
    """What a subscription lives through: the periods of its fees, those of its usage, and its end.

    usage    the schedule of the fees, or one whose intervals divide theirs, from the same first day
    ends_at  a local midnight, in UTC; None without an end
    """

    fees: Schedule
    usage: Schedule
    ends_at: datetime | None

    @property
    def begins_at(self) -> datetime:
        """The first instant of its first paid day."""
        return start_of_day(self.fees.first, self.fees.zone)

    def fee_part(self, at: datetime) -> Part:
        """Its part of the period of fees that holds an instant; raises BeforeSchedule, OutsideCalendar."""
        return part_of(self.fees, self.fees.index_at(at), self.ends_at)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A moment with what ends there and what starts there.

    used       the usage period that ends; None at the first paid day
    ended      the plan period that ends, if one does
    started    the plan period that starts, if one does
    following  the next boundary; None at the subscription's own end
    """

    at: datetime
    used: Part | None
    ended: Part | None
    started: Part | None
    following: datetime | None


def part_of(schedule: Schedule, n: int, ends_at: datetime | None) -> Part:
    """The part of period n that lies between the schedule's first day and an end; raises OutsideCalendar."""
    opens, closes = schedule.first_day(n), schedule.first_day(n + 1)
    start, end = max(opens, schedule.first), closes
    begins, ends = start_of_day(start, schedule.zone), start_of_day(end, schedule.zone)
    if ends_at is not None and ends_at < ends:
        end, ends = local_day(ends_at, schedule.zone), max(ends_at, begins)
    return Part(Period(begins, ends), max(_days(start, end), 0), _days(opens, closes))


def _days(start: date, end: date) -> int:
    return (end - start).days


def boundaries(life: Life, after: datetime | None, until: datetime) -> Iterator[Boundary]:
    """The boundaries of a subscription with `after < at <= until`, rising strictly (rule 25).

    A period that lasts no time, because its zone left the days out, has no boundary.

    after    None for all from the first paid day on
    returns  none for a subscription that ends before it begins; raises OutsideCalendar after year 9999
    """
    for boundary in _rising(life, after):
        if boundary.at > until:
            return
        if after is None or boundary.at > after:
            yield boundary


def _rising(life: Life, after: datetime | None) -> Iterator[Boundary]:
    """Every boundary from the last one at or before `after` on: years are not walked through again."""
    begin, ends_at = life.begins_at, life.ends_at
    if ends_at is not None and (ends_at <= begin or (after is not None and after >= ends_at)):
        return
    used: Part | None = None
    for n in count(0 if after is None or after < begin else life.usage.index_at(after)):
        part = part_of(life.usage, n, ends_at)
        if part.period.is_empty:
            continue
        start, end = part.period.start, part.period.end
        together = life.usage == life.fees  # as most are: then what is used and what is paid for end alike
        started = part if together else _started(life, start)
        yield Boundary(start, used, used if together else _ended(life, start), started, end)
        if end == ends_at:
            yield Boundary(end, part, part if together else _ended(life, end), None, None)
            return
        used = part


def _ended(life: Life, at: datetime) -> Part | None:
    if at <= life.begins_at:
        return None
    part = life.fee_part(at - _MOMENT)
    return part if part.period.end == at else None


def _started(life: Life, at: datetime) -> Part | None:
    part = life.fee_part(at)
    return part if part.period.start == at else None
