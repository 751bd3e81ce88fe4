"""Days, periods and windows follow the local calendar, whatever daylight saving does."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farthing.pricing.calendar import (
    Anchor,
    BeforeSchedule,
    Interval,
    NoCalendarPeriods,
    OutsideCalendar,
    Period,
    Schedule,
    calendar_start,
    local_day,
    periods,
    start_of_day,
    windows,
)
from tests.unit.pricing.strategies import days, instants, intervals, zones

BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def anniversary(first: date, interval: Interval, zone: ZoneInfo = UTC_ZONE) -> Schedule:
    return Schedule(first, interval, Anchor.ANNIVERSARY, zone)


def day_period(day: date, zone: ZoneInfo) -> Period:
    return Period(start_of_day(day, zone), start_of_day(day + DAY, zone))


# days


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", date(2026, 10, 1), "2026-10-01T00:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-29T00:00:00+01:00"),
        ("Europe/Berlin", date(2026, 3, 30), "2026-03-30T00:00:00+02:00"),
        ("Asia/Kathmandu", date(2026, 10, 1), "2026-10-01T00:00:00+05:45"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00:00+03:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T01:00:00-02:00"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T00:30:00-04:00"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T00:00:00-04:00"),
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T00:00:00-02:30"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-31T00:00:00+14:00"),
    ],
)
def test_a_day_starts_at_local_midnight_or_at_its_first_instant(zone: str, day: date, start: str) -> None:
    """T24 and T25: the midnight that is skipped, the first of two, and a day left out (rule 11)."""
    assert start_of_day(day, ZoneInfo(zone)) == at(start)
    assert start_of_day(day, ZoneInfo(zone)).tzinfo is UTC


@given(day=days(), zone=zones())
def test_before_a_days_start_it_was_the_day_before(day: date, zone: ZoneInfo) -> None:
    """At the start the clock shows the day, and a microsecond earlier it does not yet (rule 11)."""
    start = start_of_day(day, zone)
    assert (start - TICK).astimezone(zone).date() < day
    left_out = zone.key == "Pacific/Apia" and day == date(2011, 12, 30)
    assert start.astimezone(zone).date() == (day + DAY if left_out else day)


@given(instant=instants(), zone=zones())
def test_every_instant_lies_in_its_local_day(instant: datetime, zone: ZoneInfo) -> None:
    """Each instant has one day: the one its clock shows, but for minutes lived twice (rule 11)."""
    day = local_day(instant, zone)
    assert instant in day_period(day, zone)
    shown = instant.astimezone(zone).date()
    assert day == shown or (zone.key == "America/St_Johns" and day == shown + DAY)


def test_minutes_lived_twice_across_midnight_belong_to_the_new_day() -> None:
    """In St John's clocks went from 00:01 on 7 November 2010 back to 23:01: that hour is the 7th's."""
    again = at("2010-11-06T23:30:00-03:30")
    assert local_day(again, ZoneInfo("America/St_Johns")) == date(2010, 11, 7)
    assert local_day(at("2010-11-06T23:30:00-02:30"), ZoneInfo("America/St_Johns")) == date(2010, 11, 6)


@pytest.mark.parametrize(
    ("hours", "zone", "day"),
    [
        (23, "Europe/Berlin", date(2026, 3, 29)),
        (25, "Europe/Berlin", date(2026, 10, 25)),
        (23, "Africa/Cairo", date(2026, 4, 24)),
        (25, "America/Havana", date(2026, 11, 1)),
        (0, "Pacific/Apia", date(2011, 12, 30)),
        (24, "Pacific/Apia", date(2011, 12, 31)),
    ],
)
def test_days_have_the_hours_that_passed(hours: int, zone: str, day: date) -> None:
    """T23 to T25: subtracting two times of one zone would say 24 (rule 11)."""
    period = day_period(day, ZoneInfo(zone))
    assert period.end - period.start == hours * HOUR


def test_the_ends_of_the_calendar_are_named() -> None:
    """Year 1 and year 9999 raise OutsideCalendar, never OverflowError."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    east, west = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Etc/GMT+12")
    assert start_of_day(date.min, UTC_ZONE) == first
    assert start_of_day(date.max, west) == datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert local_day(last, UTC_ZONE) == date.max
    yearly = anniversary(date(9999, 1, 1), Interval("year"))
    monthly = anniversary(date(9999, 12, 1), Interval("month"))
    huge = anniversary(date(2026, 1, 1), Interval("day", 10**12))
    for outside in (
        lambda: start_of_day(date.min, east),
        lambda: local_day(last, east),
        lambda: local_day(first, west),
        lambda: yearly.period(0),
        lambda: monthly.index_at(last),
        lambda: huge.period(0),
        lambda: anniversary(date(2026, 1, 1), Interval("year", 10**30)).period(1),
        lambda: list(periods(monthly)),
        lambda: list(windows(Period(last - HOUR, last), "hour", UTC_ZONE)),
        lambda: list(windows(Period(last - HOUR, last), "month", UTC_ZONE)),
    ):
        with pytest.raises(OutsideCalendar, match="year 9999"):
            outside()


# periods


def test_a_period_is_half_open() -> None:
    """T30: exactly the start is in, exactly the end is out, a microsecond earlier in (rule 11)."""
    october = Period(at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z"))
    assert october.start in october
    assert october.end not in october
    assert october.end - TICK in october
    assert datetime.fromisoformat("2026-10-01T02:00:00+02:00") in october
    assert datetime.fromisoformat("2026-10-01T01:59:59+02:00") not in october


def test_a_period_is_two_instants_in_utc() -> None:
    """Times of a zone would be subtracted by their clock faces."""
    berlin = datetime(2026, 3, 29, tzinfo=BERLIN)
    for start, end in [(berlin, berlin + DAY), (at("2026-01-02T00:00Z"), at("2026-01-01T00:00Z"))]:
        with pytest.raises(ValueError, match="2026"):
            Period(start, end)


@pytest.mark.parametrize(
    ("unit", "first"),
    [
        ("day", date(2026, 10, 7)),
        ("week", date(2026, 10, 5)),
        ("month", date(2026, 2, 1)),
        ("quarter", date(2026, 10, 1)),
        ("year", date(2026, 1, 1)),
    ],
)
def test_calendar_periods_start_where_the_calendar_says(unit: str, first: date) -> None:
    """Weeks on Monday, months on the 1st, quarters in October too, years on 1 January (rule 12)."""
    interval = Interval(unit)  # type: ignore[arg-type]
    assert calendar_start(first, interval.unit) == first
    assert calendar_start(first + DAY, interval.unit) == (first + DAY if unit == "day" else first)
    second = Schedule(first + DAY, interval, Anchor.CALENDAR, BERLIN).first_day(1)
    assert calendar_start(second, interval.unit) == second
    assert calendar_start(second - DAY, interval.unit) == (second - DAY if unit == "day" else first)


@pytest.mark.parametrize(
    ("unit", "starts"),
    [("week", 52), ("month", 12), ("quarter", 4), ("year", 1), ("day", 365)],
)
def test_a_year_has_so_many_calendar_periods(unit: str, starts: int) -> None:
    """2026 begins on a Thursday and has 52 Mondays (rule 12)."""
    every_day = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(calendar_start(day, unit) == day for day in every_day) == starts  # type: ignore[arg-type]


def test_a_calendar_schedule_may_begin_within_a_period() -> None:
    """Its periods are those of the calendar all the same; an `interval_count` the calendar has not (rule 12)."""
    schedule = Schedule(date(2026, 10, 15), Interval("quarter"), Anchor.CALENDAR, BERLIN)
    assert [schedule.first_day(n) for n in (0, 1)] == [date(2026, 10, 1), date(2027, 1, 1)]
    with pytest.raises(NoCalendarPeriods):
        Schedule(date(2026, 10, 1), Interval("month", 3), Anchor.CALENDAR, BERLIN)


@pytest.mark.parametrize(("one", "other", "divides"), [
    (Interval("month"), Interval("year"), True), (Interval("quarter"), Interval("year"), True),
    (Interval("month"), Interval("month", 5), True), (Interval("quarter"), Interval("month", 4), False),
    (Interval("year"), Interval("month"), False), (Interval("week"), Interval("month"), False),
    (Interval("day"), Interval("month"), True), (Interval("week"), Interval("week", 2), True),
    (Interval("day", 7), Interval("week"), True), (Interval("day", 2), Interval("week"), False),
])
def test_what_is_always_a_whole_number_of_what(one: Interval, other: Interval, divides: bool) -> None:
    assert one.divides(other) is divides


@pytest.mark.parametrize(
    ("first", "interval", "starts"),
    [
        (date(2026, 1, 31), Interval("month"), ["01-31", "02-28", "03-31", "04-30", "05-31"]),
        (date(2028, 1, 30), Interval("month"), ["01-30", "02-29", "03-30", "04-30", "05-30"]),
        (date(2026, 11, 30), Interval("quarter"), ["11-30", "02-28", "05-30", "08-30", "11-30"]),
        (date(2024, 2, 29), Interval("year"), ["02-29", "02-28", "02-28", "02-28", "02-29"]),
        (date(2026, 10, 29), Interval("month", 2), ["10-29", "12-29", "02-28", "04-29", "06-29"]),
        (date(2026, 10, 7), Interval("week", 2), ["10-07", "10-21", "11-04", "11-18", "12-02"]),
        (date(2024, 2, 28), Interval("day"), ["02-28", "02-29", "03-01", "03-02", "03-03"]),
    ],
)
def test_anniversaries_are_clamped_and_return(first: date, interval: Interval, starts: list[str]) -> None:
    """T27: 31 January, 28 February, 31 March; 29 February yearly; the 30th in February (rule 12)."""
    schedule = anniversary(first, interval, BERLIN)
    assert [f"{schedule.first_day(n):%m-%d}" for n in range(5)] == starts
    assert schedule.period(1).start == at(
        datetime.combine(schedule.first_day(1), datetime.min.time(), BERLIN).isoformat()
    )


@given(first=days(), interval=intervals(), zone=zones())
def test_periods_tile(first: date, interval: Interval, zone: ZoneInfo) -> None:
    """No instant falls between two periods or into both; only days left out are empty (rule 11, rule 12)."""
    tiles = list(islice(periods(anniversary(first, interval, zone)), 40))
    assert tiles[0].start == start_of_day(first, zone)
    assert all(one.end == other.start for one, other in pairwise(tiles))
    assert sum(tile.is_empty for tile in tiles) <= (1 if zone.key == "Pacific/Apia" else 0)


@given(first=days(), interval=intervals(), zone=zones(), data=st.data())
def test_the_period_at_an_instant_holds_it(
    first: date, interval: Interval, zone: ZoneInfo, data: st.DataObject
) -> None:
    """However far from the start, and numbered as `periods` counts (rule 12)."""
    schedule = anniversary(first, interval, zone)
    instant = data.draw(st.one_of(instants(), st.integers(0, 60).map(lambda n: schedule.period(n).start)))
    assume(instant >= start_of_day(first, zone))
    n = schedule.index_at(instant)
    assert instant in schedule.period(n)
    assert n == 0 or schedule.period(n - 1).end <= instant


@pytest.mark.parametrize("earlier", [TICK, HOUR, 400 * DAY])
def test_there_is_no_period_before_the_first(earlier: timedelta) -> None:
    schedule = anniversary(date(2026, 10, 1), Interval("month"), BERLIN)
    with pytest.raises(BeforeSchedule, match="starts on 2026-10-01"):
        schedule.index_at(schedule.period(0).start - earlier)


def test_finding_a_period_takes_no_walk() -> None:
    """A daily subscription of two thousand years is looked up at once, else this test takes minutes."""
    schedule = anniversary(date(1, 1, 2), Interval("day"))
    assert [schedule.index_at(at("2026-10-01T12:00:00Z")) for _ in range(200)] == [739888] * 200


def test_an_interval_lasts() -> None:
    with pytest.raises(ValueError, match="never end"):
        Interval("month", 0)


# windows


def cut(start: str, end: str, window: str, zone: str) -> list[Period]:
    return list(windows(Period(at(start), at(end)), window, ZoneInfo(zone)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Asia/Kathmandu", date(2026, 10, 1), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_a_day_has_a_window_for_each_of_its_hours(zone: str, day: date, hours: int) -> None:
    """T23: 23 and 25 on the days of a change, cut on the zone's own hours (rule 11)."""
    period = day_period(day, ZoneInfo(zone))
    found = list(windows(period, "hour", ZoneInfo(zone)))
    assert found == [Period(period.start + n * HOUR, period.start + (n + 1) * HOUR) for n in range(hours)]


def test_windows_are_clipped_to_the_period() -> None:
    """The hour begins at :15 UTC in Kathmandu, whatever the query asks for."""
    found = cut("2026-10-01T10:00:00Z", "2026-10-01T12:00:00Z", "hour", "Asia/Kathmandu")
    cuts = ["10:00", "10:15", "11:15", "12:00"]
    assert found == [Period(at(f"2026-10-01T{a}:00Z"), at(f"2026-10-01T{b}:00Z")) for a, b in pairwise(cuts)]


def test_days_and_months_are_the_zones() -> None:
    found = cut("2026-03-28T12:00:00+01:00", "2026-03-30T12:00:00+02:00", "day", "Europe/Berlin")
    cuts = ["28T12:00:00+01:00", "29T00:00:00+01:00", "30T00:00:00+02:00", "30T12:00:00+02:00"]
    assert found == [Period(at(f"2026-03-{a}"), at(f"2026-03-{b}")) for a, b in pairwise(cuts)]
    found = cut("2026-01-31T00:00:00-05:00", "2026-03-02T00:00:00-05:00", "month", "America/New_York")
    cuts = ["01-31", "02-01", "03-01", "03-02"]
    assert found == [
        Period(at(f"2026-{a}T00:00:00-05:00"), at(f"2026-{b}T00:00:00-05:00")) for a, b in pairwise(cuts)
    ]


def test_a_day_left_out_has_no_window() -> None:
    """T25: the 29th ends where the 31st begins."""
    found = cut("2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", "day", "Pacific/Apia")
    assert [window.end - window.start for window in found] == [DAY, DAY]


@given(
    start=instants(),
    length=st.timedeltas(timedelta(0), timedelta(days=70)),
    window=st.sampled_from(("hour", "day", "month", "none")),
    zone=zones(),
)
def test_windows_tile_their_period(start: datetime, length: timedelta, window: str, zone: ZoneInfo) -> None:
    """No usage is lost or counted twice, and no window is empty or longer than it says (rule 11)."""
    period = Period(start, start + length)
    found = list(windows(period, window, zone))  # type: ignore[arg-type]
    ends = [period.start, *(one.end for one in found)]
    assert [(one.start, one.end) for one in found] == list(pairwise(ends))
    assert ends[-1] == period.end
    assert all(not one.is_empty for one in found)
    longest = {"hour": HOUR, "day": 26 * HOUR, "month": 32 * DAY, "none": length}[window]
    assert all(one.end - one.start <= longest for one in found)


def test_an_empty_period_has_no_windows() -> None:
    noon = "2026-10-01T12:00:00Z"
    for window in ("hour", "day", "month", "none"):
        assert cut(noon, noon, window, "Europe/Berlin") == []
