"""When a subscription is billed: its first paid day, the end of each period, its own end."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.boundaries import Boundary, NotAPeriodEnd, boundaries
from farthing.pricing.calendar import Anchor, Interval, Period, Schedule
from tests.unit.pricing.strategies import days, intervals, zones

UTC_ZONE = ZoneInfo("UTC")
MONTHLY = Schedule(date(2026, 10, 1), Interval("month"), Anchor.CALENDAR, UTC_ZONE)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(n: int) -> Period:
    starts = ["2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"]
    return Period(day(starts[n]), day(starts[n + 1]))


def test_the_first_paid_day_then_the_end_of_each_period() -> None:
    """At each boundary the period that ends there and the one that starts there (rule 25)."""
    assert list(boundaries(MONTHLY, None, None, day("2026-12-15"))) == [
        Boundary(day("2026-10-01"), None, month(0)),
        Boundary(day("2026-11-01"), month(0), month(1)),
        Boundary(day("2026-12-01"), month(1), month(2)),
    ]


def test_nothing_starts_at_the_end() -> None:
    """The subscription's own end is its last boundary, however far one looks (rule 25)."""
    last = Boundary(day("2026-12-01"), month(1), None)
    assert list(boundaries(MONTHLY, day("2026-12-01"), None, day("2099-01-01")))[2:] == [last]
    assert list(boundaries(MONTHLY, day("2026-12-01"), day("2026-11-01"), day("2099-01-01"))) == [last]
    for after in ("2026-12-01", "2026-12-02", "2027-06-01"):
        assert not list(boundaries(MONTHLY, day("2026-12-01"), day(after), day("2099-01-01")))


def test_after_is_left_out_and_until_is_in() -> None:
    """A boundary is due when it is at or before the run's `as_of` (rule 25)."""
    tick = timedelta(microseconds=1)
    november = day("2026-11-01")

    def found(after: datetime | None, until: datetime) -> list[datetime]:
        return [boundary.at for boundary in boundaries(MONTHLY, None, after, until)]

    assert found(day("2026-10-01"), november) == [november]
    assert found(day("2026-10-01"), november - tick) == []
    assert found(november, november) == []
    assert found(november - tick, november) == [november]
    assert found(None, day("2026-10-01") - tick) == []
    assert found(day("2020-01-01"), day("2026-10-01")) == [day("2026-10-01")]


@pytest.mark.parametrize("ends_at", ["2026-10-01", "2026-09-01"])
def test_a_subscription_that_never_ran_has_no_boundary(ends_at: str) -> None:
    assert not list(boundaries(MONTHLY, day(ends_at), None, day("2027-01-01")))


def test_an_end_within_a_period_is_refused() -> None:
    """Until there is proration a subscription ends where a period does."""
    with pytest.raises(NotAPeriodEnd, match="2026-11-15"):
        list(boundaries(MONTHLY, day("2026-11-15"), None, day("2027-01-01")))


def test_a_day_left_out_has_no_boundary_and_no_loop() -> None:
    """T25: in Apia the 31st followed the 29th of December 2011 (rule 25)."""
    apia = ZoneInfo("Pacific/Apia")
    daily = Schedule(date(2011, 12, 28), Interval("day"), Anchor.CALENDAR, apia)
    found = list(boundaries(daily, None, None, datetime(2012, 1, 1, 10, tzinfo=UTC)))
    assert [boundary.at.astimezone(apia).day for boundary in found] == [28, 29, 31, 1, 2]
    assert [boundary.ended for boundary in found[1:]] == [boundary.started for boundary in found[:-1]]
    starting = Schedule(date(2011, 12, 30), Interval("day"), Anchor.CALENDAR, apia)
    [first, *_] = boundaries(starting, None, None, datetime(2012, 1, 1, tzinfo=UTC))
    assert first == Boundary(found[2].at, None, found[2].started)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Pacific/Apia"])
def test_hourly_runs_meet_each_boundary_once(zone: str) -> None:
    """T26: a run every hour over two days, for customers from UTC-12 to UTC+14 (rule 25)."""
    daily = Schedule(date(2026, 10, 1), Interval("day"), Anchor.CALENDAR, ZoneInfo(zone))
    begin = datetime(2026, 10, 3, tzinfo=UTC)
    hours = [begin + timedelta(hours=n) for n in range(49)]
    met = [b.at for one, other in pairwise(hours) for b in boundaries(daily, None, one, other)]
    assert len(met) == 2
    assert met == [b.at for b in boundaries(daily, None, hours[0], hours[-1])]


@given(first=days(), interval=intervals(), zone=zones(), data=st.data())
def test_boundaries_are_the_same_in_one_go_and_in_many(
    first: date, interval: Interval, zone: ZoneInfo, data: st.DataObject
) -> None:
    """Strictly rising, each ends what the one before started, and any way to cut the time gives them once."""
    schedule = Schedule(first, interval, Anchor.ANNIVERSARY, zone)
    until = schedule.period(20).end
    ends_at = data.draw(st.sampled_from([None, schedule.period(7).end]))
    whole = list(boundaries(schedule, ends_at, None, until))
    assert all(one.at < other.at and other.ended == one.started for one, other in pairwise(whole))
    assert all(b.ended is None or b.ended.end == b.at for b in whole)
    assert all(b.started is None or b.started.start == b.at for b in whole)
    assert whole[0].ended is None
    assert (whole[-1].started is None) == (ends_at is not None)
    between = st.datetimes(schedule.period(0).start.replace(tzinfo=None), until.replace(tzinfo=None))
    drawn = [cut.replace(tzinfo=UTC) for cut in data.draw(st.lists(between, max_size=4))]
    exact = [schedule.period(n).start for n in data.draw(st.sets(st.integers(0, 20), max_size=4))]
    cuts = [None, *sorted(drawn + exact), until]
    parts = [b for one, other in pairwise(cuts) if other for b in boundaries(schedule, ends_at, one, other)]
    assert parts == whole
