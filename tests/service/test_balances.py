"""The balance of a customer: what it has, and that new invoices take it (rules 19, 20, 22 and 23; T17)."""

from decimal import Decimal
from typing import Any

import pytest

from farthing.billing.balances.service import Balances
from farthing.billing.balances.values import CREDIT_NOTE, BalanceTooLow, Movement
from farthing.kernel.ids import new_id
from tests.service.books import BASE, Books

pytestmark = pytest.mark.books


def movement(books: Books, customer: str, amount: str, source: str = "given", code: str = "USD") -> Movement:
    return Movement(books.api.organization, customer, code, CREDIT_NOTE, source, Decimal(amount))


def give(books: Books, customer: str, amount: str, source: str = "given") -> None:
    """Put something on a balance as those do who keep the journal themselves."""
    with books.api.farthing.database.write() as connection:
        Balances(new_id).add(connection, movement(books, customer, amount, source), books.api.clock.at)


def balance(books: Books, customer: str = "acme") -> list[dict[str, Any]]:
    found = books.api.get(f"/v1/customers/{customer}/balance").json or {}
    return list(found["data"])


def test_a_balance_is_shown_in_the_customers_own_currency(books: Books) -> None:
    """Also where there never was anything."""
    customer = books.customer(currency="JPY")
    none = {"currency": "JPY", "amount": "0", "prepaid": "0", "granted": "0"}
    expected = {"customer": customer["id"], "customer_key": "acme", "data": [none]}
    assert books.api.get("/v1/customers/acme/balance").json == expected
    assert books.api.get(f"/v1/customers/{customer['id']}/balance").json == expected
    assert books.api.get("/v1/customers/nobody/balance").status_code == 404
    assert books.api.stranger().get(f"/v1/customers/{customer['id']}/balance").status_code == 404


@pytest.mark.together
def test_a_new_invoice_takes_what_its_customer_has(books: Books) -> None:
    """T17: what is left of credit stays, and an invoice with nothing due is numbered and paid (rules 19 and 26)."""
    give(books, books.customer()["id"], "30.00")
    first, second = books.one_off("20"), books.one_off("20")
    assert [(one["status"], one["total"], one["credit_applied"], one["amount_due"]) for one in (first, second)] == [
        ("paid", "20.00", "20.00", "0.00"), ("open", "20.00", "10.00", "10.00"),
    ]
    assert balance(books)[0]["amount"] == "0.00"


@pytest.mark.together
def test_a_run_takes_it_in_the_order_of_its_invoices(books: Books) -> None:
    give(books, books.customer_on(BASE, starts_at="2026-09-01T00:00:00Z")["customer"], "25.00")
    found = books.billed("2026-11-20T00:00:00Z")
    assert [(one["status"], one["credit_applied"]) for one in found] == [
        ("paid", "10.00"), ("paid", "10.00"), ("open", "5.00"),
    ]
    assert balance(books)[0]["amount"] == "0.00"


@pytest.mark.together
def test_no_more_is_taken_than_there_is(books: Books) -> None:
    """Nor added twice for one reason."""
    customer = books.customer()["id"]
    give(books, customer, "5.00")
    with books.api.farthing.database.write() as connection, pytest.raises(BalanceTooLow, match=r"is 5.00 USD; 5.01"):
        Balances(new_id).take(connection, movement(books, customer, "5.01", "taken"), books.api.clock.at)
    assert balance(books)[0]["amount"] == "5.00"
