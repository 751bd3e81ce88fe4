"""The moments at which a subscription is billed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import count, pairwise
from zoneinfo import ZoneInfo

from farthing.pricing.calendar import Period, Schedule, local_day, start_of_day

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """The local days of a full period on which a subscription lives (rule 13).

    days  how many they are; a date that the zone left out counts as one
    of    how many the full period has
    full  the full period; None where it is `period`
    """

    period: Period
    days: int
    of: int
    full: Period | None = field(default=None, compare=False)  # which the rest tells

    @property
    def share(self) -> Fraction:
        return Fraction(self.days, self.of)

    @property
    def is_whole(self) -> bool:
        return self.days == self.of

    @property
    def whole(self) -> Period:
        """The full period."""
        return self.full or self.period


@dataclass(frozen=True, slots=True)
class Era:
    """The schedules that a subscription keeps until a change gives it others (rule 14).

    usage  that of its usage: the one of its fees, or one whose intervals divide theirs, from the same first day
    """

    fees: Schedule
    usage: Schedule

    @property
    def begins_at(self) -> datetime:
        """The first instant of its first paid day."""
        return start_of_day(self.fees.first, self.fees.zone)


@dataclass(frozen=True, slots=True)
class Life:
    """What a subscription lives through: the periods of its fees, those of its usage, and its end.

    ends_at  a local midnight, in UTC; None without an end
    later    the schedules that changes gave it, each ending the period before it, by their first days
    cuts     closed boundaries, rising, that are none of the schedules any more: usage before one stays billed (rule 25)
    """

    fees: Schedule
    usage: Schedule
    ends_at: datetime | None
    later: tuple[Era, ...] = ()
    cuts: tuple[datetime, ...] = ()

    @property
    def begins_at(self) -> datetime:
        """The first instant of its first paid day."""
        return start_of_day(self.fees.first, self.fees.zone)

    def eras(self) -> Iterator[tuple[Era, datetime | None]]:
        """Its schedules in order, each with where it ends: at the next one, or with the subscription."""
        known = [Era(self.fees, self.usage), *self.later]
        ends = [*(era.begins_at for era in self.later), None]
        for era, end in zip(known, ends, strict=True):
            if self.ends_at is not None and era is not known[0] and era.begins_at >= self.ends_at:
                return
            yield era, self.ends_at if end is None or (self.ends_at is not None and self.ends_at < end) else end

    def fee_part(self, at: datetime) -> Part:
        """Its part of the period of fees that holds an instant; raises BeforeSchedule, OutsideCalendar."""
        era, end = self.era_at(at)
        return part_of(era.fees, era.fees.index_at(at), end)

    def era_at(self, at: datetime) -> tuple[Era, datetime | None]:
        """The schedules that hold at an instant, and their end; the first ones before it."""
        found = [each for each in self.eras() if each[0].begins_at <= at]
        return found[-1] if found else next(self.eras())

    def usage_start(self, at: datetime) -> datetime:
        """Where the part of a usage period begins that holds an instant."""
        start = self.usage_part(at).period.start
        return max([start, *(cut for cut in self.cuts if cut <= at)])

    def usage_part(self, at: datetime) -> Part:
        """Its part of the usage period that holds an instant, cuts and all; raises BeforeSchedule, OutsideCalendar."""
        era, end = self.era_at(at)
        return part_of(era.usage, era.usage.index_at(at), end)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A moment with what ends there and what starts there.

    used       the usage period that ends; None at the first paid day
    ended      the plan period that ends, if one does
    started    the plan period that starts, if one does
    following  the next boundary; None at the subscription's own end
    change     the number of the change whose own invoice this is: no boundary at all, and nothing ends or starts
    late       what comes after the last boundary, at that one's moment; nothing ends or starts
    """

    at: datetime
    used: Part | None
    ended: Part | None
    started: Part | None
    following: datetime | None
    change: int | None = None
    late: bool = False


def part_of(schedule: Schedule, n: int, ends_at: datetime | None) -> Part:
    """The part of period n that lies between the schedule's first day and an end; raises OutsideCalendar."""
    opens, closes = schedule.first_day(n), schedule.first_day(n + 1)
    start, end = max(opens, schedule.first), closes
    begins, ends = start_of_day(start, schedule.zone), start_of_day(end, schedule.zone)
    if ends_at is not None and ends_at < ends:
        end, ends = local_day(ends_at, schedule.zone), max(ends_at, begins)
    days, of = max(_days(start, end), 0), _days(opens, closes)
    full = None if days == of else Period(start_of_day(opens, schedule.zone), start_of_day(closes, schedule.zone))
    return Part(Period(begins, ends), days, of, full)


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
    border: Boundary | None = None  # where one schedule ends and the next begins
    for era, end in life.eras():
        if end is not None and end != ends_at and after is not None and after >= end:
            continue
        for boundary in _of_era(era, end, life.cuts, after):
            if boundary.following is None and end != ends_at:
                border = boundary
            elif border is not None:
                yield replace(boundary, used=border.used, ended=border.ended)
                border = None
            else:
                yield boundary


def _of_era(
    era: Era, end: datetime | None, cuts: tuple[datetime, ...], after: datetime | None
) -> Iterator[Boundary]:
    begin = era.begins_at
    together = era.usage == era.fees  # as most are: then what is used and what is paid for end alike
    before: Part | None = None
    used: Part | None = None
    for n in count(0 if after is None or after < begin else era.usage.index_at(after)):
        part = part_of(era.usage, n, end)
        if part.period.is_empty:
            continue
        start = part.period.start
        ended = before if together else _ended(era, end, start)
        started: Part | None = part if together else _started(era, end, start)
        for piece in _cut(part, cuts, era.usage.zone):
            yield Boundary(piece.period.start, used, ended, started, piece.period.end)
            used, ended, started = piece, None, None
        if part.period.end == end:
            yield Boundary(end, used, part if together else _ended(era, end, end), None, None)
            return
        before = part


def _cut(part: Part, cuts: tuple[datetime, ...], zone: ZoneInfo) -> Iterator[Part]:
    """The pieces of a part between the cuts in it."""
    inside = [cut for cut in cuts if part.period.start < cut < part.period.end]
    if not inside:
        yield part
        return
    for start, end in pairwise([part.period.start, *inside, part.period.end]):
        days = _days(local_day(start, zone), local_day(end, zone))
        yield Part(Period(start, end), days, part.of, part.whole)


def _ended(era: Era, end: datetime | None, at: datetime) -> Part | None:
    if at <= era.begins_at:
        return None
    part = part_of(era.fees, era.fees.index_at(at - _MOMENT), end)
    return part if part.period.end == at else None


def _started(era: Era, end: datetime | None, at: datetime) -> Part | None:
    part = part_of(era.fees, era.fees.index_at(at), end)
    return part if part.period.start == at else None
