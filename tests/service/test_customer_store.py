"""What the customer book relies on in its store, on each of them; one that passes may be plugged in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from farthing.app import Farthing
from farthing.customers.stores import Copy, CustomerRows, CustomerStore
from farthing.customers.values import Change, Customer, CustomerKeyTaken, EmailTaken, Search
from farthing.kernel.clock import instant_from
from farthing.kernel.ids import new_id
from farthing.kernel.problems import Conflict, Overtaken

STORES = ["sqlite", "postgresql", "mariadb", "mongodb"]
pytestmark = pytest.mark.parametrize("engine", STORES, indirect=True, scope="session")

T = TypeVar("T")
NOON = instant_from("2026-11-20T12:00:00.000001Z")


class Changed(Exception):
    """What a test throws to leave a unit of work."""


@pytest.fixture
def store(farthing: Farthing) -> CustomerStore:
    return farthing.customers.store


@pytest.fixture
def acme() -> Customer:
    """A customer of an organisation of its own."""
    return customer(new_id("org", NOON))


def customer(organization: str, at: datetime = NOON, **fields: Any) -> Customer:
    usual: dict[str, Any] = {
        "id": new_id("cus", at), "key": None, "name": "Acme", "email": None, "currency": "EUR", "timezone": "UTC",
        "address": {"city": "Köln", "country": "DE"}, "tax_ids": ({"type": "eu_vat", "value": "DE1"},),
        "tax_treatment": "standard", "tax_reason": None, "payment_terms_days": 14, "buyer_reference": None,
        "metadata": {}, "version": 1, "created_at": at, "updated_at": at,
    }
    return Customer(organization=organization, **usual | fields)


def following(customer: Customer, **fields: Any) -> Customer:
    return replace(customer, version=customer.version + 1, **fields)


def add(store: CustomerStore, *customers: Customer, unique_email: bool = True) -> None:
    for one in customers:
        store.write(lambda rows, one=one: rows.add(one, unique_email))  # type: ignore[misc]  # a default binds it now


def save(store: CustomerStore, customer: Customer, unique_email: bool = True) -> None:
    store.write(lambda rows: rows.save(customer, unique_email))


def reading(store: CustomerStore, look: Callable[[CustomerRows], T]) -> T:
    with store.read() as rows:
        return look(rows)


def find(store: CustomerStore, organization: str, reference: str) -> Customer | None:
    return reading(store, lambda rows: rows.find(organization, reference))


def names(store: CustomerStore, organization: str, search: Search, after: str = "", limit: int = 50) -> list[str]:
    return [one.name for one in reading(store, lambda rows: rows.page(organization, search, after, limit))]


def test_every_digit_and_every_microsecond_comes_back(store: CustomerStore, acme: Customer) -> None:
    full = replace(
        acme, key="acme", email="Billing@acme.example", tax_reason="r", buyer_reference="b",
        metadata={"a.b": 1, "$set": True, "": None, "n": 10**40, "t": "\u202e\U0001f600"},
        created_at=instant_from("0002-01-01T00:00:00.000001Z"), updated_at=instant_from("9998-12-31T23:59:59.999999Z"),
    )
    add(store, full)
    assert find(store, acme.organization, acme.id) == find(store, acme.organization, "acme") == full


def test_a_customer_belongs_to_one_organisation(store: CustomerStore, acme: Customer) -> None:
    """T44: with its id, its key, in lists, in searches and in changes."""
    mine = replace(acme, key="acme", email="a@acme.example")
    add(store, mine)
    other = new_id("org", NOON)
    stolen = replace(mine, organization=other)
    assert find(store, other, mine.id) is find(store, other, "acme") is None
    assert reading(store, lambda rows: rows.named(other, [mine.id, "acme"])) == {}
    assert reading(store, lambda rows: rows.many(other, [mine.id])) == {}
    assert reading(store, lambda rows: rows.versions(other, [mine.id])) == {}
    assert names(store, other, Search()) == names(store, other, Search(prefix="a", email="a@acme.example")) == []
    for change in (lambda rows: rows.save(following(stolen), True), lambda rows: rows.remove(stolen)):
        with pytest.raises(Overtaken):
            once(store, change)
    assert find(store, mine.organization, "acme") == mine
    add(store, customer(other, key="acme", email="a@acme.example"))


def once(store: CustomerStore, work: Callable[[CustomerRows], object]) -> None:
    """Without the patience of `write`, which would go on against whoever was faster."""
    refused: list[Overtaken] = []

    def tried(rows: CustomerRows) -> None:
        try:
            work(rows)
        except Overtaken as error:
            refused.append(error)

    store.write(tried)
    if refused:
        raise refused[0]


def test_a_key_names_one_customer(store: CustomerStore, acme: Customer) -> None:
    first, second = replace(acme, key="acme"), customer(acme.organization)
    add(store, first, second)
    with pytest.raises(CustomerKeyTaken):
        add(store, customer(acme.organization, key="acme"))
    with pytest.raises(CustomerKeyTaken):
        save(store, following(second, key="acme"))
    save(store, following(second, key="ACME"))
    assert find(store, acme.organization, "acme") == first


def test_an_email_belongs_to_one_customer_where_it_is_claimed(store: CustomerStore, acme: Customer) -> None:
    first, second = replace(acme, email="A@acme.example"), customer(acme.organization)
    add(store, first, second)
    with pytest.raises(EmailTaken):
        add(store, customer(acme.organization, email="a@ACME.example"))
    with pytest.raises(EmailTaken):
        save(store, following(second, email="a@ACME.example"))
    save(store, following(second, email="a@ACME.example"), unique_email=False)
    add(store, customer(acme.organization, email="a@acme.example"), unique_email=False)
    save(store, following(first, email=None))
    add(store, customer(acme.organization, email="a@acme.example"))


def test_of_many_at_once_one_has_the_key(store: CustomerStore, acme: Customer) -> None:
    """The index decides, whoever looked first."""
    start = threading.Barrier(8)

    def try_it(number: int) -> bool:
        start.wait()
        try:
            add(store, customer(acme.organization, key="acme", email=f"{number}@acme.example"))
        except CustomerKeyTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(try_it, range(8))) == [False] * 7 + [True]
    assert names(store, acme.organization, Search()) == ["Acme"]


def test_only_the_next_version_is_saved(store: CustomerStore, acme: Customer) -> None:
    add(store, acme)
    save(store, following(acme, name="Second"))
    for stale in (following(acme, name="Lost"), replace(acme, version=4, name="Jumped")):
        with pytest.raises(Overtaken):
            once(store, lambda rows, stale=stale: rows.save(stale, True))  # type: ignore[misc]
    with pytest.raises(Overtaken):
        once(store, lambda rows: rows.remove(acme))
    assert names(store, acme.organization, Search()) == ["Second"]


def test_no_change_is_lost_between_many(store: CustomerStore, acme: Customer) -> None:
    """Each reads and adds one: whoever is overtaken reads again."""
    add(store, replace(acme, metadata={"n": 0}))

    def count(rows: CustomerRows) -> None:
        found = rows.current(acme.organization, acme.id, lock=True)
        assert found is not None
        current, _ = found
        rows.save(following(current, metadata={"n": int(str(current.metadata["n"])) + 1}), True)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: store.write(count), range(40)))
    last = find(store, acme.organization, acme.id)
    assert last is not None
    assert (last.version, last.metadata) == (41, {"n": 40})


def test_a_unit_of_work_is_whole_or_not_at_all(store: CustomerStore, acme: Customer) -> None:
    other = customer(acme.organization, name="Other")

    def both(rows: CustomerRows) -> None:
        rows.add(acme, True)
        store.write(lambda inner: inner.add(other, True))
        assert [one.id for one in rows.page(acme.organization, Search(), "", 9)] == sorted([acme.id, other.id])
        assert find(store, acme.organization, other.id) == other
        with ThreadPoolExecutor(1) as outside:
            assert outside.submit(find, store, acme.organization, other.id).result() is None
        raise Changed

    with pytest.raises(Changed):
        store.write(both)
    assert names(store, acme.organization, Search()) == []


def test_pages_go_on_by_id_while_others_are_added(store: CustomerStore, acme: Customer) -> None:
    made = [customer(acme.organization, NOON + timedelta(seconds=n), name=f"C{n}") for n in range(5)]
    add(store, *reversed(made))
    assert names(store, acme.organization, Search(), limit=2) == ["C0", "C1"]
    add(store, customer(acme.organization, NOON - timedelta(seconds=1), name="Before"))
    assert names(store, acme.organization, Search(), made[1].id, 2) == ["C2", "C3"]
    assert names(store, acme.organization, Search(), made[4].id) == []


@pytest.mark.parametrize(("search", "expected"), [
    (Search(prefix="ac"), ["Acme", "Zed"]), (Search(prefix="ACME"), ["Acme"]), (Search(prefix="cme"), []),
    (Search(prefix=""), ["Acme", "Zed", "ß_%"]), (Search(prefix="ß"), ["ß_%"]), (Search(prefix="ss_%"), ["ß_%"]),
    (Search(prefix="s_"), []), (Search(prefix=".*"), []), (Search(prefix="_"), []), (Search(prefix="%"), []),
    (Search(prefix="billing@"), ["Acme"]), (Search(email="BILLING@acme.example"), ["Acme"]),
    (Search(email="billing"), []), (Search(prefix="z", email="x"), []), (Search(created_after=NOON), ["Zed", "ß_%"]),
    (Search(created_after=NOON + timedelta(microseconds=1)), ["ß_%"]),
])
def test_a_search_is_by_the_beginning_and_never_a_pattern(
    store: CustomerStore, acme: Customer, search: Search, expected: list[str]
) -> None:
    add(
        store, replace(acme, email="Billing@acme.example"),
        customer(acme.organization, NOON + timedelta(microseconds=1), name="Zed", key="ACM"),
        customer(acme.organization, NOON + timedelta(seconds=1), name="ß_%"),
    )
    assert sorted(names(store, acme.organization, search)) == expected


def test_many_are_found_in_one_question(store: CustomerStore, acme: Customer) -> None:
    first, second = replace(acme, key="a"), customer(acme.organization, key="b")
    add(store, first, second)
    found = reading(store, lambda rows: rows.named(acme.organization, ["a", first.id, second.id, "nobody", "cus_0"]))
    assert found == {"a": first, first.id: first, second.id: second}
    assert reading(store, lambda rows: rows.many(acme.organization, [second.id, "cus_0"])) == {second.id: second}
    assert reading(store, lambda rows: rows.many(acme.organization, [])) == {}


def test_while_a_change_is_on_no_other_begins(store: CustomerStore, acme: Customer) -> None:
    mine, theirs = Change("mine", NOON), Change("theirs", NOON)
    add(store, acme)
    store.write(lambda rows: rows.begin_change(acme, mine))
    assert reading(store, lambda rows: rows.current(acme.organization, acme.id)) == (acme, mine)
    refused: list[Callable[[CustomerRows], object]] = [
        lambda rows: rows.begin_change(acme, theirs), lambda rows: rows.save(following(acme), True),
        lambda rows: rows.save(following(acme), True, theirs), lambda rows: rows.remove(acme),
        lambda rows: rows.remove(acme, theirs),
    ]
    for each in refused:
        with pytest.raises(Overtaken):
            once(store, each)
    store.write(lambda rows: rows.end_change(acme.organization, acme.id, theirs))
    assert reading(store, lambda rows: rows.current(acme.organization, acme.id)) == (acme, mine)
    changed = following(acme, name="Changed")
    store.write(lambda rows: rows.save(changed, True, mine))
    assert reading(store, lambda rows: rows.current(acme.organization, acme.id)) == (changed, None)


def test_a_change_that_will_not_be_leaves_nothing(store: CustomerStore, acme: Customer) -> None:
    change = Change("mine", NOON)
    add(store, acme)
    store.write(lambda rows: rows.begin_change(acme, change))
    store.write(lambda rows: rows.end_change(acme.organization, acme.id, change))
    with pytest.raises(Overtaken):
        once(store, lambda rows: rows.remove(acme, change))
    store.write(lambda rows: rows.remove(acme))
    assert find(store, acme.organization, acme.id) is None


def test_copies_add_and_replace_what_is_older(store: CustomerStore, acme: Customer) -> None:
    other = customer(acme.organization, key="b", email="b@acme.example")
    store.write(lambda rows: rows.add_copies([Copy(acme, True), Copy(other, True)]))
    newer = following(other, email="c@acme.example")
    store.write(lambda rows: rows.replace_with_copies([Copy(newer, False), Copy(replace(acme, name="Same age"), True)]))
    assert reading(store, lambda rows: rows.copies(acme.organization, "", 9)) == sorted(
        [Copy(acme, False), Copy(newer, False)], key=lambda copy: copy.customer.id
    )
    assert reading(store, lambda rows: rows.versions(acme.organization, [other.id, "cus_0"])) == {other.id: 2}
    assert reading(store, lambda rows: rows.counts())[acme.organization] == 2
    for work in (
        lambda rows: rows.add_copies([Copy(customer(acme.organization, key="b"), True)]),
        lambda rows: rows.replace_with_copies([Copy(following(acme, key="b"), True)]),
    ):
        with pytest.raises(Conflict):
            store.write(work)
