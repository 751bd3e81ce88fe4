"""Which months the sample bills."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.demo.months import closing, last_complete_month, local_month, month_name, months_through
from farthing.demo.sample import ZONES

HOUR = timedelta(hours=1)
OCTOBER = date(2026, 10, 1)


@pytest.mark.parametrize(("now", "month"), [
    (datetime(2026, 11, 20, 12, tzinfo=UTC), OCTOBER),
    (datetime(2026, 11, 1, 10, 59, tzinfo=UTC), date(2026, 9, 1)),  # in Honolulu the grace is not over
    (datetime(2026, 11, 1, 11, 0, tzinfo=UTC), OCTOBER),
    (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), date(2026, 9, 1)),  # though it is November in Auckland
    (datetime(2027, 1, 15, tzinfo=UTC), date(2026, 12, 1)),
])
def test_a_month_is_complete_once_it_is_over_everywhere(now: datetime, month: date) -> None:
    zones = [ZoneInfo("Pacific/Auckland"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Honolulu")]
    assert last_complete_month(now, zones, HOUR) == month


@given(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_complete_month_has_closed_and_the_next_has_not(now: datetime) -> None:
    month = last_complete_month(now, ZONES, HOUR)
    [_, following] = months_through(month, (month + timedelta(days=31)).replace(day=1))
    assert closing(month, ZONES, HOUR) <= now < closing(following, ZONES, HOUR)


def test_months_through() -> None:
    assert list(months_through(date(2026, 11, 1), date(2027, 1, 1))) == [
        date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)
    ]
    assert list(months_through(OCTOBER, OCTOBER)) == [OCTOBER]
    assert list(months_through(OCTOBER, date(2026, 9, 1))) == []


def test_a_local_month_has_the_hour_that_winter_time_adds() -> None:
    period = local_month(OCTOBER, ZoneInfo("Europe/Berlin"))
    assert period.start == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert period.end - period.start == timedelta(days=31, hours=1)


def test_month_name() -> None:
    assert month_name(OCTOBER) == "October 2026"
