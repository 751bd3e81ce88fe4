"""Instants come in as RFC 3339 and in no other form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.kernel.clock import NotAnInstant, clock_from, instant_from, instant_text
from farthing.kernel.problems import Misconfigured

EARLIEST, LATEST = datetime(2, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", [
    *("2026-06-30T23:59:60Z", "2026-06-30T12:00:00", "20260630", "20260630T120000Z", "2026-W26-1", "2026-06-30"),
    *("2026-06-30T12:00:00+24:00", "2026-06-30T12:00:00+02:60", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59Z", "1790000000", "2026-06-31T00:00:00Z", "٢٠٢٦-06-30T12:00:00Z", ""),
    *("2026-06-30T12:00Z", "2026-06-30T12:00:00.Z", "2026-06-30T12:00:00Z\n", "2026-06-30T12:00:00." + "1" * 90 + "Z"),
])
def test_other_forms_are_refused(text: str) -> None:
    """T28: each names what is expected."""
    with pytest.raises(NotAnInstant, match=r"RFC 3339|years"):
        instant_from(text)


@pytest.mark.parametrize(("text", "utc"), [
    ("2026-10-01T12:00:00Z", "2026-10-01T12:00:00Z"),
    ("2026-10-01t12:00:00z", "2026-10-01T12:00:00Z"),
    ("2026-10-01T00:00:00+05:45", "2026-09-30T18:15:00Z"),
    ("2026-10-01T12:00:00.1234567891Z", "2026-10-01T12:00:00.123456Z"),
    ("2026-10-01T12:00:00.5-00:30", "2026-10-01T12:30:00.5Z"),
])
def test_an_instant_is_shown_in_utc(text: str, utc: str) -> None:
    """T28, T30: fractions are kept to microseconds, offsets are the same instant."""
    assert instant_text(instant_from(text)) == utc


@given(st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)))
def test_an_instant_survives_its_text(instant: datetime) -> None:
    assert instant_from(instant_text(instant)) == instant


def test_a_clock_can_be_set_for_a_trial() -> None:
    ahead = clock_from("2030-01-01T00:00:00Z")("") - datetime(2030, 1, 1, tzinfo=UTC)
    assert 0 <= ahead.total_seconds() < 60
    with pytest.raises(Misconfigured, match="now"):
        clock_from("tomorrow")
