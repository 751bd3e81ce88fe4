"""The audit log: who changed what, before and after, kept if and only if the change is."""

import threading
from typing import Any

import pytest

from farthing.identity.users.service import Users
from farthing.kernel.audit import Actor, AuditStore, acting_as, current_actor
from farthing.kernel.audit.store import Change
from farthing.kernel.credentials import Scope
from tests.service.books import BASE, Books

pytestmark = [pytest.mark.books, pytest.mark.together]


def changes(books: Books, row: str | None = None, **wanted: str) -> list[Change]:
    """The oldest first."""
    with books.api.farthing.database.read() as connection:
        found = AuditStore(connection).page(books.api.organization, row, None, 1000)
    return [one for one in reversed(found) if all(getattr(one, name) == value for name, value in wanted.items())]


def key_id(books: Books) -> str:
    return str((books.api.get("/v1/me").json or {})["id"])


def test_who_changed_what_before_and_after(books: Books) -> None:
    customer = books.customer(email="a@example.com")
    books.api.patch("/v1/customers/acme", {"name": "Acme Ltd", "email": None})
    books.api.delete("/v1/customers/acme")
    made, changed, gone = changes(books, customer["id"])
    assert {(one.actor_kind, one.actor, one.object) for one in (made, changed, gone)} == {
        ("key", key_id(books), "customers"),
    }
    assert [one.call for one in (made, changed, gone)] == [
        "POST /v1/customers", "PATCH /v1/customers/<reference>", "DELETE /v1/customers/<reference>",
    ]
    assert made.before is None
    assert made.after is not None
    assert (made.after["name"], made.after["email"]) == ("Acme", "a@example.com")
    assert (changed.before or {})["name"] == "Acme"
    assert (changed.after or {})["name"] == "Acme Ltd"
    assert (changed.after or {})["email"] is None
    assert "currency" not in (changed.after or {})  # only what changed
    assert gone.after is None
    assert (gone.before or {})["name"] == "Acme Ltd"


def test_what_was_refused_is_not_in_it(books: Books) -> None:
    """Nor what changes nothing."""
    books.customer()
    before = changes(books)
    assert books.api.post("/v1/customers", {"key": "acme", "name": "Impostor"}).status_code == 409
    assert books.api.patch("/v1/customers/acme", {"name": ""}).status_code == 422
    with pytest.raises(ZeroDivisionError), books.api.farthing.database.write():
        raise ZeroDivisionError(books.customer("beta"))
    assert changes(books) == before


def test_a_key_and_a_password_are_never_in_it(books: Books) -> None:
    made = books.api.made("/v1/api-keys", {"scopes": ["read"], "name": "reader"})
    books.api.farthing[Users].create(books.api.organization, "ann", "correct horse 9", [Scope.READ])
    [key], [user] = changes(books, made["id"]), changes(books, object="users")
    assert (key.after or {})["hash"] == (user.after or {})["hash"] == "***"
    assert made["secret"] not in repr(changes(books))
    assert (user.actor_kind, user.actor) != ("key", key_id(books))


def test_a_life_of_an_invoice(books: Books) -> None:
    """Drafted and finalised by whoever asked for the run, paid by a call of its own."""
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    body = {"invoice": invoice["id"], "amount": "10.00", "currency": "USD", "method": "wire"}
    payment = books.api.made("/v1/payments", body)
    made, paid = changes(books, invoice["id"])
    assert (made.actor, made.call) == (key_id(books), "POST /v1/bill-runs")
    assert ((made.after or {})["status"], (made.after or {})["total"]) == ("open", 1000)
    assert (paid.before, paid.after, paid.call) == (
        {"status": "open", "amount_paid": 0, "amount_due": 1000},
        {"status": "paid", "amount_paid": 1000, "amount_due": 0}, "POST /v1/payments",
    )
    [row] = changes(books, payment["id"])
    assert (row.object, (row.after or {})["method"]) == ("payments", "wire")
    [subscription] = [one for one in changes(books, object="subscriptions") if one.before]
    assert set(subscription.after or {}) >= {"billed_through", "next_boundary"}


def test_changes_in_one_transaction_are_told_once(books: Books) -> None:
    """As it was before all of them, and as it is after."""
    customer = books.customer()
    with books.api.farthing.database.write():
        books.api.patch("/v1/customers/acme", {"name": "First"})
        books.api.patch("/v1/customers/acme", {"name": "Second"})
    _, changed = changes(books, customer["id"])
    assert ((changed.before or {})["name"], (changed.after or {})["name"]) == ("Acme", "Second")


def test_work_of_its_own_is_the_services(books: Books) -> None:
    """By the name of its thread; and whoever asked acts in what is done for him."""
    assert current_actor() == Actor("service", "", threading.current_thread().name)
    with acting_as(Actor("operator", "", "farthing orgs")):
        books.api.farthing[Users].create(books.api.organization, "bob", "correct horse 9", [Scope.READ])
    [user] = changes(books, object="users")
    assert (user.actor_kind, user.actor, user.call) == ("operator", "", "farthing orgs")
    assert current_actor().kind == "service"


def test_one_organizations_changes_are_its_own(books: Books) -> None:
    """I12."""
    books.customer()
    stranger = Books(books.api.stranger())
    names: list[Any] = [(one.after or {}).get("name") for one in changes(stranger)]
    assert "Acme" not in names
    assert {one.organization for one in changes(stranger)} == {stranger.api.organization}


def test_a_plan_and_its_versions(books: Books) -> None:
    """A row whose key has two parts is named by both."""
    books.meter()
    plan = books.plan(BASE)
    assert [one.row for one in changes(books, object="plan_versions")] == [f"{plan['id']}/1"]
