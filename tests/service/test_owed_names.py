"""Names that usage is told of after the commit: while it is away, in order, and once it is back."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from farthing.app import Farthing
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.kernel.credentials import operator
from farthing.kernel.problems import Unavailable
from farthing.kernel.schemas import parsed
from farthing.usage import Subjects, owed
from farthing.usage.owed import OwedStore, OwedSubjects
from farthing.usage.subjects.service import SubjectBook
from tests.service.apart import Services
from tests.service.books import CALLS, Books
from tests.service.conftest import Api
from tests.service.test_customer_store import STORES

on_each_store = pytest.mark.parametrize("engine", STORES, indirect=True, scope="session")
Told = tuple[str, tuple[str, ...], str]


class UsageAway(Unavailable):
    """As a room that runs elsewhere and does not answer."""


@dataclass
class Door:
    """The way to usage: told of names while it is open, and noting what it was told."""

    usage: Subjects
    open: bool = True
    told: list[Told] = field(default_factory=list)
    at_the_door: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event | None = None

    def bind(self, organization: str, names: Sequence[str], customer: str, subscription: str | None = None) -> None:
        self._pass("bind", names, customer)
        self.usage.bind(organization, names, customer, subscription)

    def release(self, organization: str, names: Sequence[str], customer: str) -> None:
        self._pass("release", names, customer)
        self.usage.release(organization, names, customer)

    def _pass(self, act: str, names: Sequence[str], customer: str) -> None:
        self.at_the_door.set()
        if self.go_on is not None:
            assert self.go_on.wait(10)
        if not self.open:
            raise UsageAway("Usage is away.")
        self.told.append((act, tuple(names), customer))


@pytest.fixture
def door(farthing: Farthing) -> Door:
    return Door(SubjectBook(farthing.database))


@pytest.fixture
def owing(farthing: Farthing, door: Door) -> OwedSubjects:
    return OwedSubjects(farthing.customers.owed, door)


@pytest.fixture
def customers(farthing: Farthing, owing: OwedSubjects) -> Customers:
    return replace(farthing[Customers], subjects=owing)


def create(customers: Customers, api: Api, **fields: Any) -> str:
    return customers.create(operator(api.organization), parsed(CustomerIn, {"name": "Acme"} | fields)).id


def owes(store: OwedStore, api: Api) -> bool:
    return api.organization in store.organizations()


@on_each_store
def test_usage_is_told_before_the_answer(customers: Customers, owing: OwedSubjects, door: Door, api: Api) -> None:
    made = create(customers, api, key="acme")
    assert door.told == [("bind", (made, "acme"), made)]
    assert not owes(owing.store, api)


@on_each_store
def test_what_was_not_stored_is_not_told(customers: Customers, door: Door, api: Api) -> None:
    create(customers, api, key="acme")
    with pytest.raises(Exception, match="already names another"):
        create(customers, api, key="acme")
    assert len(door.told) == 1


@pytest.mark.parametrize("engine", ["mongodb"], indirect=True, scope="session")
def test_what_is_undone_around_it_undoes_no_telling(
    customers: Customers, owing: OwedSubjects, door: Door, api: Api
) -> None:
    """The customer is stored already, so that its names are owed until usage has them for good."""
    made: list[str] = []

    def fail() -> None:
        with api.farthing.database.write():
            made.append(create(customers, api, key="acme"))
            raise UsageAway("Something else fails.")

    with pytest.raises(UsageAway):
        fail()
    assert door.told == []
    owing.deliver_all()
    assert door.told == [("bind", (made[0], "acme"), made[0])]
    with api.farthing.database.write():
        second = create(customers, api)
        assert len(door.told) == 1
    assert door.told[1:] == [("bind", (second,), second)]


@on_each_store
def test_what_usage_missed_is_told_in_order(customers: Customers, owing: OwedSubjects, door: Door, api: Api) -> None:
    """All of it is done without usage, and counts once it is back (rule 16)."""
    caller = operator(api.organization)
    door.open = False
    first = create(customers, api, key="a")
    customers.update(caller, first, {"key": "b"})
    second = create(customers, api, key="a")
    customers.delete(caller, first)
    third = create(customers, api, key="b")
    assert door.told == []
    with pytest.raises(UsageAway):
        owing.deliver(api.organization)
    door.open = True
    owing.deliver_all()
    assert door.told == [
        ("bind", (first, "a"), first), ("release", ("a",), first), ("bind", ("b",), first),
        ("bind", (second, "a"), second), ("release", (first, "b"), first), ("bind", (third, "b"), third),
    ]
    assert not owes(owing.store, api)


@on_each_store
def test_usage_of_a_customer_made_while_it_was_away_counts(
    customers: Customers, owing: OwedSubjects, door: Door, books: Books
) -> None:
    books.meter()
    door.open = False
    create(customers, books.api, key="acme")
    books.use("e1", "2026-11-02T00:00:00Z", "3")
    asked = "/v1/usage?customer=acme&meter=calls&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&window=none"
    assert [row["value"] for row in books.api.get(asked).json["data"]] in ([], ["0"])  # type: ignore[index]
    door.open = True
    owing.deliver_all()
    assert [row["value"] for row in books.api.get(asked).json["data"]] == ["3"]  # type: ignore[index]


@on_each_store
def test_one_at_a_time_tells(customers: Customers, owing: OwedSubjects, door: Door, api: Api) -> None:
    """Another process does not tell what follows before what is being told, nor that a second time."""
    other = OwedSubjects(owing.store, door)
    door.open = False
    first, second = create(customers, api, key="a"), create(customers, api, key="b")
    door.open, door.go_on = True, threading.Event()
    door.at_the_door.clear()
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(owing.deliver, api.organization)
        assert door.at_the_door.wait(10)
        other.deliver(api.organization)
        owing.deliver(api.organization)
        assert door.told == []
        door.go_on.set()
        telling.result()
    assert [customer for _, _, customer in door.told] == [first, second]
    assert not owes(owing.store, api)


@on_each_store
def test_what_a_dead_process_was_telling_is_told(
    customers: Customers, owing: OwedSubjects, door: Door, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while in which it did not end."""
    door.open = False
    made = create(customers, api)
    door.open = True
    head = owing.store.first(api.organization)
    assert head is not None
    assert owing.store.hold(head, "dead")
    assert not owing.store.hold(head, "slower")
    monkeypatch.setattr(owed, "PATIENCE_SECONDS", 0.05)
    later = [create(customers, api) for _ in range(3)]  # of which the first waits for the dead one, for a while
    owing.deliver_all()
    assert door.told == []
    monkeypatch.setattr(owed, "HELD_SECONDS", 0.0)
    owing.deliver_all()
    assert [customer for _, _, customer in door.told] == [made, *later]


@pytest.mark.parametrize("engine", ["apart"], indirect=True, scope="session")
def test_what_is_made_while_the_service_of_usage_is_away_counts_once_it_is_back(books: Books) -> None:
    """A customer, and a subscription with usage of its own: both are made all the same."""
    services = cast(Services, books.api.farthing)
    books.meter()
    books.plan(CALLS)
    services.stop("usage")
    try:
        books.customer()
        books.subscribe(key="line-2", own_usage=True)
    finally:
        services.serve("usage")
    books.use("e1", "2026-09-02T00:00:00Z", "3")
    books.use("e2", "2026-09-03T00:00:00Z", "4", subject="line-2")
    for room in ("customers", "billing"):
        [waiting] = services.farthings[room].owed
        deadline = time.monotonic() + 15  # the breaker lets somebody try again after a second or so
        while owes(waiting.store, books.api):
            assert time.monotonic() < deadline
            waiting.deliver_all()
    asked = "/v1/usage?customer=acme&meter=calls&from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z&window=none"
    assert [row["value"] for row in books.api.get(asked).json["data"]] == ["7"]  # type: ignore[index]
    [invoice] = books.billed("2026-10-02T00:00:00Z")
    assert [line["quantity"] for line in invoice["lines"]] == ["4"]
