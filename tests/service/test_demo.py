"""The sample in a store: made once, the same again, continued month by month."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from farthing.app import Farthing, open_farthing
from farthing.billing.bill_runs.values import COMPLETED
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.demo import sample as demo
from farthing.demo.customers import CUSTOMERS, SampleCustomer
from farthing.demo.months import months_through
from farthing.demo.sample import NotASample, Sample, open_sample
from farthing.demo.usage import usage_of
from farthing.identity.organizations.service import Organizations
from farthing.kernel.credentials import operator
from farthing.kernel.schemas import parsed
from farthing.kernel.settings import load_settings
from tests.servers import Servers
from tests.service.conftest import TestClock, stores

pytestmark = [pytest.mark.customers, pytest.mark.together]  # a process of its own

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
ACME = CUSTOMERS[0]
SHOWN = list[tuple[Any, ...]]


@pytest.fixture
def moved(clock: TestClock) -> Iterator[TestClock]:
    """The clock of all tests at 20 November, and there again afterwards."""
    clock.to("2026-11-20T12:00:00Z")
    yield clock
    clock.to("2026-11-20T12:00:00Z")


@pytest.fixture
def store(engine: str, servers: Servers, moved: TestClock, tmp_path: Path) -> Iterator[Farthing]:
    """An empty store of its own."""
    opened = open_farthing(load_settings({}, home=str(tmp_path), **stores(engine, servers)), moved)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(engine: str, servers: Servers, clock: TestClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """A finished sample, to be looked at only."""
    clock.to("2026-11-20T12:00:00Z")
    home = str(tmp_path_factory.mktemp("made"))
    opened = open_farthing(load_settings({}, home=home, **stores(engine, servers)), clock)
    yield make(opened)
    opened.close()


def make(store: Farthing) -> Sample:
    """What `farthing demo` does."""
    sample = open_sample(store)
    sample.add_catalogue()
    sample.add_customers()
    sample.add_subscriptions()
    for month in months_through(sample.first_month(), sample.last_month()):
        sample.send_usage(month)
        run = sample.bill(month)
        assert (run.status, run.parked, run.error) == (COMPLETED, (), None)
    return sample


def shown(sample: Sample) -> SHOWN:
    """What an invoice says, without identifiers and times of its making."""
    return [
        (one.number, one.buyer["key"], one.currency, one.boundary, one.totals.total, one.status,
         tuple((line.price, line.group, line.quantity, line.amount) for line in one.lines))
        for one in sample.invoices()
    ]


def test_a_month_becomes_numbered_invoices(made: Sample) -> None:
    found = made.invoices()
    assert [one.number for one in found] == [f"INV-2026-{number:06}" for number in range(1, len(found) + 1)]
    billed = Counter(one.buyer["key"] for one in found)
    in_advance = {customer.key for customer in CUSTOMERS if customer.plan in ("starter", "cloud")}
    assert billed == {customer.key: 2 if customer.key in in_advance else 1 for customer in CUSTOMERS}
    assert {one.status for one in found} == {"open", "paid"}
    assert all(one.totals.total == 0 for one in found if one.status == "paid")


def test_acme_pays_for_its_calls_tier_by_tier(made: Sample) -> None:
    """Worked out here from the events: 10,000 free, 90,000 at 0.0020, the rest at 0.0012, and 29.00 in advance."""
    data: list[Any] = [event["data"] for event in usage_of(ACME, OCTOBER)]
    calls = sum(int(one["calls"]) for one in data)
    assert calls > 100_000
    exact = 90_000 * Decimal("0.0020") + (calls - 100_000) * Decimal("0.0012")
    usage = (exact * 100 + Decimal("0.5")) // 1 / 100
    first, second = [one for one in made.invoices() if one.buyer["key"] == ACME.key]
    assert [line.amount for line in first.lines] == [Decimal("29.00")]
    assert [line.amount for line in second.lines] == [usage, Decimal("29.00")]
    assert second.totals.total == usage + Decimal("29.00")


def test_free_payments_cost_nothing_and_a_minimum_holds(made: Sample) -> None:
    totals = {one.buyer["key"]: one.totals.total for one in made.invoices()}
    assert len(list(usage_of(_customer("hamerkop"), OCTOBER))) <= 10
    assert totals["hamerkop"] == 0
    assert totals["quill"] == Decimal("200.00")


def test_again_adds_nothing(store: Farthing) -> None:
    before = shown(make(store))
    sample = open_sample(store)
    assert (sample.add_catalogue(), sample.add_customers(), sample.add_subscriptions()) == (0, 0, 0)
    counted = sample.send_usage(OCTOBER)
    assert counted.new == 0
    assert counted.repeated == sum(len(list(usage_of(customer, OCTOBER))) for customer in CUSTOMERS)
    assert sample.bill(OCTOBER).invoices == 0
    assert shown(sample) == before


@pytest.mark.slow
def test_a_later_month_adds_its_own(store: Farthing, moved: TestClock) -> None:
    before = shown(make(store))
    moved.to("2026-12-05T12:00:00Z")
    sample = open_sample(store)
    assert (sample.first_month(), sample.last_month()) == (OCTOBER, NOVEMBER)
    after = shown(make(store))
    assert after[: len(before)] == before
    assert {key for _, key, *_ in after[len(before):]} == {customer.key for customer in CUSTOMERS}
    assert len(after) == len(before) + len(CUSTOMERS)


@pytest.mark.slow
def test_cut_off_anywhere_it_goes_on(store: Farthing, tmp_path: Path, moved: TestClock) -> None:
    """Half of the customers and a third of the events, and then all of it, are the same as all of it at once."""
    sample = open_sample(store)
    sample.add_catalogue()
    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(demo, "CUSTOMERS", CUSTOMERS[:20])
        sample.add_customers()
        sample.add_subscriptions()
        cut.setattr(demo, "usage_of", lambda customer, month: islice(usage_of(customer, month), customer.size // 3))
        assert sample.send_usage(OCTOBER).new > 0
    whole = open_farthing(load_settings({}, home=str(tmp_path / "whole")), moved)
    assert Counter(_unnumbered(shown(make(store)))) == Counter(_unnumbered(shown(make(whole))))
    whole.close()


def test_somebodys_own_data_is_left_alone(store: Farthing) -> None:
    first = store[Organizations].first()
    store[Customers].create(operator(first.id), parsed(CustomerIn, {"key": "own", "name": "My own"}))
    with pytest.raises(NotASample, match="My organization"):
        open_sample(store)
    assert store[Organizations].first() == first


def test_the_month_is_october_until_november_is_over_everywhere(store: Farthing, moved: TestClock) -> None:
    moved.to("2026-12-01T09:00:00Z")
    assert open_sample(store).last_month() == OCTOBER
    moved.to("2026-12-01T11:00:00Z")
    assert open_sample(store).last_month() == NOVEMBER


def _unnumbered(rows: SHOWN) -> SHOWN:
    return [row[1:] for row in rows]


def _customer(key: str) -> SampleCustomer:
    return next(customer for customer in CUSTOMERS if customer.key == key)
