"""When a subscription is billed: its first paid day, the end of each period, its own end."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farthing.pricing.boundaries import Boundary, Life, Part, boundaries
from farthing.pricing.calendar import Anchor, Interval, Period, Schedule, start_of_day
from tests.unit.pricing.strategies import days, intervals, zones

UTC_ZONE = ZoneInfo("UTC")
MONTHLY = Schedule(date(2026, 10, 1), Interval("month"), Anchor.CALENDAR, UTC_ZONE)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(n: int) -> Part:
    starts = ["2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"]
    period = Period(day(starts[n]), day(starts[n + 1]))
    return Part(period, (period.end - period.start).days, (period.end - period.start).days)


def life(schedule: Schedule, ends_at: datetime | None = None, usage: Schedule | None = None) -> Life:
    return Life(schedule, usage or schedule, ends_at)


def boundary(at: str, ended: Part | None, started: Part | None) -> Boundary:
    """One of a plan whose usage is billed with its fees."""
    return Boundary(day(at), ended, ended, started, None if started is None else started.period.end)


def test_the_first_paid_day_then_the_end_of_each_period() -> None:
    """At each boundary the period that ends there and the one that starts there (rule 25)."""
    assert list(boundaries(life(MONTHLY), None, day("2026-12-15"))) == [
        boundary("2026-10-01", None, month(0)),
        boundary("2026-11-01", month(0), month(1)),
        boundary("2026-12-01", month(1), month(2)),
    ]


def test_nothing_starts_at_the_end() -> None:
    """The subscription's own end is its last boundary, however far one looks (rule 25)."""
    last = boundary("2026-12-01", month(1), None)
    assert list(boundaries(life(MONTHLY, day("2026-12-01")), None, day("2099-01-01")))[2:] == [last]
    assert list(boundaries(life(MONTHLY, day("2026-12-01")), day("2026-11-01"), day("2099-01-01"))) == [last]
    for after in ("2026-12-01", "2026-12-02", "2027-06-01"):
        assert not list(boundaries(life(MONTHLY, day("2026-12-01")), day(after), day("2099-01-01")))


def test_after_is_left_out_and_until_is_in() -> None:
    """A boundary is due when it is at or before the run's `as_of` (rule 25)."""
    tick = timedelta(microseconds=1)
    november = day("2026-11-01")

    def found(after: datetime | None, until: datetime) -> list[datetime]:
        return [b.at for b in boundaries(life(MONTHLY), after, until)]

    assert found(day("2026-10-01"), november) == [november]
    assert found(day("2026-10-01"), november - tick) == []
    assert found(november, november) == []
    assert found(november - tick, november) == [november]
    assert found(None, day("2026-10-01") - tick) == []
    assert found(day("2020-01-01"), day("2026-10-01")) == [day("2026-10-01")]


@pytest.mark.parametrize("ends_at", ["2026-10-01", "2026-09-01"])
def test_a_subscription_that_never_ran_has_no_boundary(ends_at: str) -> None:
    assert not list(boundaries(life(MONTHLY, day(ends_at)), None, day("2027-01-01")))


def test_a_start_and_an_end_within_periods_shorten_them() -> None:
    """By local days, of the full period's (rules 12 and 13)."""
    schedule = Schedule(date(2026, 10, 15), Interval("month"), Anchor.CALENDAR, UTC_ZONE)
    first, second, last = boundaries(life(schedule, day("2026-11-11")), None, day("2099-01-01"))
    october = Part(Period(day("2026-10-15"), day("2026-11-01")), 17, 31)
    november = Part(Period(day("2026-11-01"), day("2026-11-11")), 10, 30)
    assert (first.at, first.ended, first.started) == (day("2026-10-15"), None, october)
    assert (second.at, second.ended, second.started) == (day("2026-11-01"), october, november)
    assert (last.at, last.ended, last.started, last.following) == (day("2026-11-11"), november, None, None)


def test_usage_billed_more_often_than_fees() -> None:
    """A year of fees with a month of usage: fees keep the plan's interval (rule 25)."""
    yearly = Schedule(date(2026, 1, 31), Interval("year"), Anchor.ANNIVERSARY, UTC_ZONE)
    monthly = Schedule(date(2026, 1, 31), Interval("month"), Anchor.ANNIVERSARY, UTC_ZONE)
    found = list(boundaries(life(yearly, usage=monthly), None, day("2027-03-15")))
    assert [f"{b.at:%m-%d}" for b in found][:4] == ["01-31", "02-28", "03-31", "04-30"]
    assert len(found) == 14
    assert [n for n, b in enumerate(found) if b.started] == [0, 12]
    assert [n for n, b in enumerate(found) if b.ended] == [12]
    assert [n for n, b in enumerate(found) if b.used] == list(range(1, 14))


@given(first=days(), unit=st.sampled_from(["day", "week", "month", "quarter", "year"]), zone=zones(), data=st.data())
def test_each_day_of_a_life_belongs_to_one_part(first: date, unit: str, zone: ZoneInfo, data: st.DataObject) -> None:
    """Whatever day it begins and ends on (rules 11 and 13)."""
    schedule = Schedule(first, Interval(unit), Anchor.CALENDAR, zone)  # type: ignore[arg-type]  # one of the units
    length = data.draw(st.integers(1, 800))
    *every, following = [start_of_day(first + timedelta(days=n), zone) for n in range(length + 2)]
    assume(all(one < other for one, other in pairwise([*every, following])))  # no day that its zone left out
    found = list(boundaries(life(schedule, every[-1]), None, every[-1]))
    parts = [b.started for b in found if b.started is not None]
    assert [b.ended for b in found if b.ended is not None] == parts
    assert sum(part.days for part in parts) == length
    assert all(0 < part.days <= part.of for part in parts)
    assert found[-1].at == every[-1]


def test_a_date_left_out_counts_as_a_day() -> None:
    """Apia had no 30 December 2011, and its December 31 days all the same (rule 11)."""
    december = Schedule(date(2011, 12, 28), Interval("month"), Anchor.CALENDAR, ZoneInfo("Pacific/Apia"))
    [first, _] = boundaries(life(december), None, datetime(2012, 1, 5, tzinfo=UTC))
    assert first.started is not None
    assert (first.started.days, first.started.of) == (4, 31)


def test_a_day_left_out_has_no_boundary_and_no_loop() -> None:
    """T25: in Apia the 31st followed the 29th of December 2011 (rule 25)."""
    apia = ZoneInfo("Pacific/Apia")
    daily = Schedule(date(2011, 12, 28), Interval("day"), Anchor.CALENDAR, apia)
    found = list(boundaries(life(daily), None, datetime(2012, 1, 1, 10, tzinfo=UTC)))
    assert [b.at.astimezone(apia).day for b in found] == [28, 29, 31, 1, 2]
    assert [b.ended for b in found[1:]] == [b.started for b in found[:-1]]
    starting = Schedule(date(2011, 12, 30), Interval("day"), Anchor.CALENDAR, apia)
    [first, *_] = boundaries(life(starting), None, datetime(2012, 1, 1, tzinfo=UTC))
    assert (first.at, first.ended, first.started) == (found[2].at, None, found[2].started)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Pacific/Apia"])
def test_hourly_runs_meet_each_boundary_once(zone: str) -> None:
    """T26: a run every hour over two days, for customers from UTC-12 to UTC+14 (rule 25)."""
    daily = Schedule(date(2026, 10, 1), Interval("day"), Anchor.CALENDAR, ZoneInfo(zone))
    begin = datetime(2026, 10, 3, tzinfo=UTC)
    hours = [begin + timedelta(hours=n) for n in range(49)]
    met = [b.at for one, other in pairwise(hours) for b in boundaries(life(daily), one, other)]
    assert len(met) == 2
    assert met == [b.at for b in boundaries(life(daily), hours[0], hours[-1])]


def _inside(schedule: Schedule, n: int) -> datetime:
    """A local midnight within a period, or its end where it has none."""
    return start_of_day(min(schedule.first_day(n) + timedelta(days=1), schedule.first_day(n + 1)), schedule.zone)


@given(first=days(), interval=intervals(), zone=zones(), data=st.data())
def test_boundaries_are_the_same_in_one_go_and_in_many(
    first: date, interval: Interval, zone: ZoneInfo, data: st.DataObject
) -> None:
    """Strictly rising, each ends what the one before started, and any way to cut the time gives them once."""
    schedule = Schedule(first, interval, Anchor.ANNIVERSARY, zone)
    until = schedule.period(20).end
    ends_at = data.draw(st.sampled_from([None, schedule.period(7).end, _inside(schedule, 7)]))
    whole = list(boundaries(life(schedule, ends_at), None, until))
    assert all(one.at < other.at and other.ended == one.started for one, other in pairwise(whole))
    assert all(b.ended is None or b.ended.period.end == b.at for b in whole)
    assert all(b.started is None or b.started.period.start == b.at for b in whole)
    assert whole[0].ended is None
    assert (whole[-1].started is None) == (ends_at is not None)
    between = st.datetimes(schedule.period(0).start.replace(tzinfo=None), until.replace(tzinfo=None))
    drawn = [cut.replace(tzinfo=UTC) for cut in data.draw(st.lists(between, max_size=4))]
    exact = [schedule.period(n).start for n in data.draw(st.sets(st.integers(0, 20), max_size=4))]
    cuts = [None, *sorted(drawn + exact), until]
    parts = [b for one, other in pairwise(cuts) if other for b in boundaries(life(schedule, ends_at), one, other)]
    assert parts == whole
