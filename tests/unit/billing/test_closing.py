"""Which boundaries of a subscription are open, whatever was closed, reopened or ended (rules 13, 20 and 25)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from farthing.billing.subscriptions.closing import (
    boundary_at,
    closed,
    due_boundaries,
    ending,
    is_open,
    parked,
    reopened,
    unparked,
)
from farthing.billing.subscriptions.values import Subscription, beginning
from farthing.pricing.calendar import Anchor, Interval, Unit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def subscription(zone: str = "UTC", starts: str = "2026-09-01T12:00:00+00:00", unit: Unit = "month") -> Subscription:
    day, starts_at = beginning(datetime.fromisoformat(starts).astimezone(UTC), ZoneInfo(zone))
    return Subscription(
        id="sub_1", organization="org_1", key=None, customer="cus_1", plan="pln_1", plan_key="pro", plan_version=1,
        currency="USD", interval=Interval(unit), usage_interval=Interval(unit), anchor=Anchor.ANNIVERSARY,
        timezone=zone, first_day=day,
        starts_at=starts_at, trial_ends_at=None, ends_at=None, agreed_end=None, canceled_at=None, quantities={},
        overrides={}, own_usage=False, metadata={},
        billed_through=None, still_open=(), next_boundary=starts_at, parked=None, parked_at=None, version=1,
        created_at=NOW, updated_at=NOW,
    )


def first_of(*months: int) -> list[datetime]:
    return [datetime(2026, month, 1, tzinfo=UTC) for month in months]


def due(one: Subscription, until: datetime = NOW) -> list[datetime]:
    return [boundary.at for boundary in due_boundaries(one, until)]


def close(one: Subscription, at: datetime) -> Subscription:
    boundary = boundary_at(one, at)
    assert boundary is not None
    return closed(one, boundary)


def test_closing_in_order_leaves_what_comes_after() -> None:
    one = close(subscription(), datetime(2026, 9, 1, tzinfo=UTC))
    assert due(one) == first_of(10, 11)
    assert one.next_boundary == datetime(2026, 10, 1, tzinfo=UTC)


def test_closing_a_later_one_leaves_those_before_open() -> None:
    """Each is still billed, and the period in force begins at the last one closed (rules 13 and 25)."""
    [september, october, november] = first_of(9, 10, 11)
    one = close(subscription(), november)
    assert due(one) == [september, october]
    assert [is_open(one, at) for at in (september, october, november)] == [True, True, False]
    period = one.current_period()
    assert period is not None
    assert period.start == november
    assert due(close(one, september)) == [october]


def test_reopening_the_last_one_takes_the_period_back() -> None:
    """Over those that are open before it (rules 13 and 20)."""
    [september, october, november] = first_of(9, 10, 11)
    one = close(close(close(subscription(), september), october), november)
    one = reopened(reopened(one, october), november)
    assert (one.billed_through, one.still_open, due(one)) == (september, (), [october, november])
    assert reopened(one, september).billed_through is None


def test_nothing_is_open_behind_the_end() -> None:
    [september, october, november] = first_of(9, 10, 11)
    one = parked(close(subscription(), september), november, "no cell")
    one = ending(one, october)
    assert (due(one), one.parked) == ([october], None)
    assert close(one, october).next_boundary is None
    assert close(one, october).current_period() is None


def test_what_kept_it_parked_is_over_with_its_boundary() -> None:
    [september, october, _] = first_of(9, 10, 11)
    one = parked(subscription(), october, "no cell")
    assert unparked(one, september).parked == "no cell"
    assert close(one, september).parked == "no cell"
    assert unparked(one, october).parked is close(one, october).parked is None


def test_a_day_that_never_was_hides_no_boundary() -> None:
    """Apia left out 30 December 2011 (rule 11, T25)."""
    one = subscription("Pacific/Apia", "2011-12-28T12:00:00-10:00", "day")
    until = datetime(2012, 1, 1, 12, tzinfo=UTC)
    days = due(one, until)
    assert [day.day for day in days] == [28, 29, 30, 31, 1]  # of UTC
    for day in days:
        one = close(one, day)
    for day in days:
        assert due(reopened(one, day), until) == [day]


UNITS: list[Unit] = ["day", "week", "month"]


@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Africa/Cairo", "America/Sao_Paulo"]),
    unit=st.sampled_from(UNITS), starts=st.dates(date(2011, 11, 20), date(2012, 2, 1)),
    moves=st.lists(st.tuples(st.sampled_from(["close", "close next", "reopen"]), st.integers(0, 11)), max_size=30),
)
def test_it_is_a_set_of_boundaries_some_of_which_are_closed(
    zone: str, unit: Unit, starts: date, moves: list[tuple[str, int]]
) -> None:
    """Whatever is closed or reopened in whatever order (rule 25)."""
    one = subscription(zone, f"{starts}T12:00:00+00:00", unit)
    until = one.starts_at + timedelta(days=600)
    every = due(one, until)[:12]
    done: set[datetime] = set()
    for verb, place in moves:
        left = [at for at in every if at not in done]
        if verb == "reopen" and done:
            at = sorted(done)[place % len(done)]
            one = reopened(one, at)
            done.remove(at)
        elif verb != "reopen" and left:
            at = left[place % len(left)] if verb == "close" else left[0]
            one = close(one, at)
            done.add(at)
        left = [at for at in every if at not in done]
        assert due(one, every[-1]) == left
        assert [at for at in every if is_open(one, at)] == left
        assert one.billed_through == max(done, default=None)
        assert one.next_boundary == (left[0] if left else due(one, until)[0])


def test_terms_are_all_that_a_rating_depends_on() -> None:
    """A change of the rest does not make a run look again."""
    one = subscription()
    assert one.same_terms(replace(one, metadata={"a": 1}, version=2, parked="why", billed_through=NOW))
    for change in ({"plan_version": 2}, {"quantities": {"seats": 1}}, {"ends_at": NOW}):
        assert not one.same_terms(replace(one, **change))
