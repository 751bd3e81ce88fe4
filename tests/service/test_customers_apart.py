"""Customers whose store has no transaction in common with billing: MongoDB, or a database of their own."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from farthing.app import Farthing
from farthing.billing.subscriptions.schemas import SubscriptionIn
from farthing.billing.subscriptions.service import Subscriptions
from farthing.catalog.plans.schemas import PlanIn
from farthing.catalog.plans.service import Plans
from farthing.customers import Customer, CustomerBook, CustomerUse, CustomerUses
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.customers.values import Change, CurrencyFixed, CustomerChanging, CustomerInUse, CustomerNotFound
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.problems import Invalid, NotFound, Refusal, Unavailable
from farthing.kernel.schemas import parsed
from tests.service.conftest import Api

pytestmark = pytest.mark.parametrize("engine", ["postgresql", "mariadb", "mongodb"], indirect=True, scope="session")

PRICE = {"key": "base", "name": "Base", "model": "flat", "amount": "10", "billing": "in_advance"}


@dataclass
class Rooms:
    """Customers and subscriptions that each commit by themselves, of one organisation."""

    customers: Customers
    subscriptions: Subscriptions
    caller: Caller

    def customer(self) -> Customer:
        return self.customers.create(self.caller, parsed(CustomerIn, {"name": "Acme", "currency": "EUR"}))

    def subscribe(self, customer: str, book: CustomerBook | None = None) -> object:
        body = {"customer": customer, "plan": "pro", "starts_at": "2026-11-01T00:00:00Z", "anchor": "calendar"}
        made = replace(self.subscriptions, customers=book) if book else self.subscriptions
        return made.create(self.caller, parsed(SubscriptionIn, body))

    def subscribed(self, customer: str) -> bool:
        return self.customers.uses.use_of(self.caller.organization, customer).against_delete is not None

    def mark(self, customer: Customer) -> Change | None:
        with self.customers.store.read() as rows:
            found = rows.current(customer.organization, customer.id)
        return None if found is None else found[1]

    def asked(self, meanwhile: Callable[[], object]) -> Customers:
        """Customers that do something once billing has answered, and before they act on it."""
        return replace(self.customers, uses=Asked(self.customers.uses, meanwhile))


@dataclass(frozen=True)
class Asked:
    uses: CustomerUses
    meanwhile: Callable[[], object]

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        use = self.uses.use_of(organization, customer)
        self.meanwhile()
        return use


@dataclass(frozen=True)
class Held:
    """The customer book, which does something once whoever asks holds the account and has seen the customer."""

    book: Customers
    meanwhile: Callable[[], object]

    def get(self, organization: str, reference: str, hold: bool = False) -> Customer:
        customer = self.book.get(organization, reference, hold)
        if hold:
            self.meanwhile()
        return customer

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        return self.book.named(organization, references)

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        return self.book.many(organization, ids)

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        return self.book.keys(organization, ids)


@pytest.fixture
def rooms(farthing: Farthing, api: Api, engine: str) -> Rooms:
    customers, caller = farthing[Customers], operator(api.organization)
    if engine != "mongodb":
        customers = replace(customers, apart=True)
    assert customers.apart
    body = {"key": "pro", "name": "Pro", "currency": "EUR", "interval": "month", "prices": [PRICE]}
    farthing[Plans].create(caller, parsed(PlanIn, body))
    return Rooms(customers, replace(farthing[Subscriptions], customers=customers), caller)


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """A thread that shares no unit of work with the test's."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def delete(rooms: Rooms, customers: Customers, customer: Customer) -> None:
    customers.delete(rooms.caller, customer.id)


def change_currency(rooms: Rooms, customers: Customers, customer: Customer) -> None:
    customers.update(rooms.caller, customer.id, {"currency": "USD"})


CHANGES = pytest.mark.parametrize(("change", "refused"), [(delete, CustomerInUse), (change_currency, CurrencyFixed)])
Changing = Callable[[Rooms, Customers, Customer], None]


@CHANGES
def test_nobody_subscribes_while_it_is_decided(
    rooms: Rooms, beside: ThreadPoolExecutor, change: Changing, refused: type[Refusal]
) -> None:
    """Billing has said that nothing speaks against it; from then on it must stay so (rule 23)."""
    customer = rooms.customer()

    def subscribe() -> None:
        with pytest.raises(CustomerChanging):
            beside.submit(rooms.subscribe, customer.id).result()

    change(rooms, rooms.asked(subscribe), customer)
    assert rooms.mark(customer) is None
    with pytest.raises((NotFound, Invalid)):  # it is gone, or billed in another currency than the plan
        rooms.subscribe(customer.id)
    assert not rooms.subscribed(customer.id)


@CHANGES
def test_what_is_being_subscribed_is_seen(
    rooms: Rooms, beside: ThreadPoolExecutor, change: Changing, refused: type[Refusal]
) -> None:
    """Whoever holds the account first is waited for."""
    customer = rooms.customer()
    running = []

    def meanwhile() -> None:
        running.append(beside.submit(change, rooms, rooms.customers, customer))
        until(lambda: rooms.mark(customer))

    rooms.subscribe(customer.id, Held(rooms.customers, meanwhile))
    with pytest.raises(refused):
        running[0].result()
    assert rooms.customers.get(customer.organization, customer.id, hold=True) == customer
    assert rooms.subscribed(customer.id)


@CHANGES
@pytest.mark.parametrize("rounds", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_of_both_at_once_one_is_done(rooms: Rooms, change: Changing, refused: type[Refusal], rounds: int) -> None:
    """A subscription and a change never both succeed, whoever comes first."""
    for _ in range(rounds):
        customer = rooms.customer()
        start = threading.Barrier(2)

        def done(work: Callable[[], object], start: threading.Barrier = start) -> bool:
            start.wait()
            try:
                work()
            except (refused, CustomerNotFound, CustomerChanging, Invalid):
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            subscribed = pool.submit(done, lambda id=customer.id: rooms.subscribe(id))  # type: ignore[misc]
            changed = pool.submit(done, lambda one=customer: change(rooms, rooms.customers, one))  # type: ignore[misc]
            assert not (subscribed.result() and changed.result())
            assert rooms.subscribed(customer.id) == subscribed.result()
        assert rooms.mark(customer) is None


def test_when_billing_is_away_nothing_is_changed(rooms: Rooms) -> None:
    customer = rooms.customer()

    def away() -> None:
        raise Unavailable("Billing is away.")

    for change in (delete, change_currency):
        with pytest.raises(Unavailable):
            change(rooms, rooms.asked(away), customer)
        assert rooms.mark(customer) is None
    assert rooms.customers.get(customer.organization, customer.id, hold=True) == customer
    rooms.customers.delete(rooms.caller, customer.id)


def test_a_change_whose_request_died_is_given_up(rooms: Rooms, api: Api) -> None:
    """Until then it may go on, and nothing else of the customer is changed."""
    customer = rooms.customer()
    path = f"/v1/customers/{customer.id}"
    mark = Change("dead", api.clock.at)
    rooms.customers.store.write(lambda rows: rows.begin_change(customer, mark))
    for answer in (api.patch(path, {"name": "B"}), api.patch(path, {"currency": "USD"}), api.delete(path)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert api.get(path).status_code == 200
    with pytest.raises(CustomerChanging):
        rooms.subscribe(customer.id)
    assert rooms.mark(customer) == mark
    api.clock.at += timedelta(seconds=30)
    rooms.subscribe(customer.id)
    assert rooms.mark(customer) is None
    rooms.customers.store.write(lambda rows: rows.begin_change(customer, mark))
    assert api.patch(path, {"name": "B"}).status_code == 200


def test_a_change_that_was_given_up_is_not_done_after_all(rooms: Rooms, api: Api) -> None:
    """A request that stood still for too long finds its mark taken off, and somebody subscribed."""
    customer = rooms.customer()

    def stand_still() -> None:
        api.clock.at += timedelta(seconds=31)
        rooms.subscribe(customer.id)

    with pytest.raises(Unavailable):
        rooms.asked(stand_still).delete(rooms.caller, customer.id)
    assert rooms.customers.get(customer.organization, customer.id) == customer
    assert rooms.subscribed(customer.id)
