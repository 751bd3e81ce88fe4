"""Bill runs read days and quarter hours instead of events, and get what the events come to at their position."""

from collections.abc import Sequence
from decimal import Decimal

from farthing.catalog import Meter
from farthing.catalog.meters.service import Meters
from farthing.kernel.clock import instant_from
from farthing.pricing.aggregation import sum_of
from farthing.pricing.calendar import Period
from farthing.usage import Tallied, Wanted
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.service import Quantities
from tests.service.books import Books

OCTOBER = Period(instant_from("2026-09-30T22:00:00Z"), instant_from("2026-10-31T23:00:00Z"))  # in Berlin


def total(tallied: Sequence[Tallied] | None) -> Decimal | None:
    return None if tallied is None else sum((one.partial.total for one in tallied), Decimal(0))


def meter_of(books: Books) -> Meter:
    books.meter(group_by=["region"])
    return books.api.farthing[Meters].get(books.api.organization, "calls")


def test_what_changed_since_a_position_is_told_from_events(books: Books) -> None:
    """A void takes its event out of every rollup, so that nothing there says that it once counted."""
    meter, quantities = meter_of(books), books.api.farthing[Quantities]
    wanted = [
        Wanted(meter, books.customer(key)["id"], "sub_none", False, OCTOBER) for key in ("acme", "quiet", "none")
    ]
    for number, time in enumerate(["09-30T22:00", "10-15T12:00", "10-31T22:59", "09-30T21:59", "10-31T23:00"]):
        for key in ("acme", "quiet"):
            books.use(f"{key}-{number}", f"2026-{time}:00Z", quantity=str(10**number), subject=key, region="eu")
    organization = books.api.organization
    then = quantities.position(organization)
    assert [total(one) for one in quantities.tallies_of(organization, wanted, then)] == [111, 111, 0]
    books.void_event("acme-1")
    books.use("acme-late", "2026-10-07T12:00:00Z", quantity="7", region="us")
    books.api.farthing[Follower].follow_all()
    assert [total(one) for one in quantities.tallies_of(organization, wanted, then)] == [None, 111, 0]
    assert [sum_of(one) for one in quantities.points_of(organization, wanted, then)] == [111, 111, 0]
    now = quantities.position(organization)
    assert [total(one) for one in quantities.tallies_of(organization, wanted, now)] == [108, 111, 0]
    [acme, *_] = quantities.tallies_of(organization, wanted, now)
    assert acme is not None
    assert {one.properties["region"]: one.partial.total for one in acme} == {"eu": 101, "us": 7}


def test_a_period_that_is_not_of_quarter_hours_is_told_from_events(books: Books) -> None:
    meter, quantities = meter_of(books), books.api.farthing[Quantities]
    wanted = Wanted(meter, books.customer()["id"], "sub_none", False, OCTOBER)
    odd = wanted._replace(period=Period(OCTOBER.start, instant_from("2026-10-31T22:50:00Z")))
    position = quantities.position(books.api.organization)
    assert quantities.tallies_of(books.api.organization, [wanted, odd], position) == [[], None]
