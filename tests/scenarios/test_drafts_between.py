"""Drafts made and made again while events still come end as the one that was made last of all (rules 16 and 26)."""

from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farthing.app import Farthing
from farthing.kernel.clock import instant_from
from tests.oracle import sound_books
from tests.service.books import BASE, Books
from tests.service.conftest import TestClock, api_of

ARREARS = {"billing": "in_arrears"}
PRICES: list[dict[str, Any]] = [
    BASE,
    {"key": "calls", "name": "Calls", "model": "graduated", "meter": "calls", "group_by": ["region"],
     "tiers": [{"up_to": "3", "unit_amount": "0.105"}, {"up_to": None, "unit_amount": "0.033", "flat_amount": "0.5"}]},
    {"key": "share", "name": "Share", "model": "percentage", "meter": "calls", "rate": "2.9", "fixed_amount": "0.01",
     "free_events": 1, "free_amount": "2"},
    {"key": "last", "name": "Last", "model": "per_unit", "meter": "last", "unit_amount": "0.25"},
    {"key": "users", "name": "Users", "model": "volume", "meter": "users",
     "tiers": [{"up_to": "2", "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]},
    {"key": "level", "name": "Level", "model": "per_unit", "meter": "level", "unit_amount": "1.01"},
]
METERS = {"calls": "sum", "last": "latest", "users": "unique_count", "level": "weighted_sum"}

TIMES = (
    "2026-08-31T23:59:59.999999Z", "2026-09-01T00:00:00Z", "2026-09-15T12:00:00Z", "2026-09-15T12:00:00+02:00",
    "2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z",
)
event_bodies = st.fixed_dictionaries({
    "time": st.sampled_from(TIMES), "source": st.sampled_from(["", "a", "b"]),
    "data": st.fixed_dictionaries(
        {"quantity": st.decimals("-2", "9", places=2).map(str)},
        optional={"region": st.sampled_from(["eu", "us", None])},
    ),
})


def books_of(farthing: Farthing, client: FlaskClient, clock: TestClock) -> Books:
    """An organisation whose customer is on a plan with a price of each kind."""
    books = Books(api_of(farthing, client, clock))
    for key, aggregation in METERS.items():
        books.meter(key, aggregation=aggregation)
    books.plan(*(price if price is BASE else price | ARREARS for price in PRICES))
    books.customer()
    books.subscribe()
    return books


def shown(books: Books) -> list[tuple[Any, ...]]:
    """What the invoices say, without what names them."""
    return [
        (one["boundary"], one["number"], one["total"], [
            (line["price"], line.get("group"), line["quantity"], line["amount"]) for line in one["lines"]
        ])
        for one in books.invoices()
    ]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(event_bodies, min_size=1, max_size=12), data=st.data())
def test_drafts_in_between_change_nothing(
    farthing: Farthing, client: FlaskClient, clock: TestClock, bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    """With meters of each kind, whatever order, batches and repeats the events came in (rules 16, 17 and 26)."""
    clock.at = instant_from("2026-11-20T12:00:00Z")
    events = [body | {"id": str(n), "type": "call", "subject": "acme"} for n, body in enumerate(bodies)]
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=5))
    order = data.draw(st.permutations(events + repeats))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(order)), max_size=4)) | {0, len(order)})

    plain, mixed = books_of(farthing, client, clock), books_of(farthing, client, clock)
    plain.api.made("/v1/events", events)
    for start, end in pairwise(cuts):
        mixed.api.made("/v1/events", order[start:end])
        mixed.run("2026-10-01T00:30:00Z")
    for books in (plain, mixed):
        books.run("2026-10-15T00:00:00Z")
    assert shown(mixed) == shown(plain)
    assert len(sound_books(farthing, mixed.api.organization)) == len(shown(plain))
