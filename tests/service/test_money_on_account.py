"""Money that is for no invoice or more than is due, and money that goes back (T19, rules 22 and 23)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import Books

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing


def pay(books: Books, amount: str, **fields: Any) -> dict[str, Any]:
    return books.api.made("/v1/payments", {"amount": amount, "currency": "USD", "method": "wire"} | fields)


def refund(books: Books, payment: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return books.api.made(f"/v1/payments/{payment['id']}/refund", fields)


def balance(books: Books, customer: str = "acme") -> str:
    found = books.api.get(f"/v1/customers/{customer}/balance").json or {}
    return str(found["data"][0]["amount"])


def state(books: Books, invoice: Mapping[str, Any]) -> tuple[str, str, str]:
    one = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    return one["status"], one["amount_paid"], one["amount_due"]


def parts(payment: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return payment["status"], payment["on_invoice"], payment["on_balance"], payment["refunded"]


def test_what_is_more_than_due_goes_to_the_balance(books: Books) -> None:
    """T19: and the next invoice takes it (rule 19)."""
    books.customer()
    invoice = books.one_off("100")
    made = pay(books, "120.00", invoice=invoice["id"])
    assert parts(made) == ("received", "100.00", "20.00", "0.00")
    assert state(books, invoice) == ("paid", "100.00", "0.00")
    assert balance(books) == "20.00"
    shown = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    assert [one["amount"] for one in shown["payments"]] == ["100.00"]
    following = books.one_off("50")
    assert (following["credit_applied"], following["amount_due"]) == ("20.00", "30.00")
    assert balance(books) == "0.00"
    sound_books(books.api.farthing, books.api.organization)


def test_money_from_a_customer_for_no_invoice(books: Books) -> None:
    """It waits on the balance; the same receipt again is one (T19)."""
    customer = books.customer()
    made = pay(books, "70.00", customer="acme", reference="r1")
    assert (made["invoice"], made["customer"], *parts(made)) == (
        None, customer["id"], "received", "0.00", "70.00", "0.00",
    )
    again = books.api.post("/v1/payments", {
        "customer": customer["id"], "amount": "70", "currency": "USD", "method": "wire", "reference": "r1",
    })
    assert (again.status_code, again.json) == (200, made)
    assert balance(books) == "70.00"
    invoice = books.one_off("60")
    assert (invoice["status"], balance(books)) == ("paid", "10.00")
    assert books.api.every("/v1/payments?customer=acme") == [made]
    sound_books(books.api.farthing, books.api.organization)


def test_a_customers_money_is_in_its_currency(books: Books) -> None:
    """Rule 23: nothing is kept in another one, and what is kept holds the currency."""
    books.customer()
    body = {"customer": "acme", "amount": "5", "currency": "EUR", "method": "wire"}
    answer = books.api.post("/v1/payments", body)
    assert (answer.status_code, [one["field"] for one in (answer.json or {})["errors"]]) == (422, ["currency"])
    assert books.api.post("/v1/payments", body | {"customer": "nobody"}).status_code == 404
    pay(books, "5", customer="acme")
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 409
    assert books.api.delete("/v1/customers/acme").status_code == 409


def test_a_refund_takes_from_the_balance_first(books: Books) -> None:
    """Then from the invoice, which is open again for that (rule 22)."""
    books.customer()
    invoice = books.one_off("100")
    made = pay(books, "120.00", invoice=invoice["id"])
    first = refund(books, made, amount="15.00", reason="Paid too much")
    assert parts(first) == ("received", "100.00", "5.00", "15.00")
    assert [(one["amount"], one["from_balance"], one["reason"]) for one in first["refunds"]] == [
        ("15.00", "15.00", "Paid too much")
    ]
    assert (balance(books), *state(books, invoice)) == ("5.00", "paid", "100.00", "0.00")
    second = refund(books, made, amount="35")
    assert parts(second) == ("received", "70.00", "0.00", "50.00")
    assert (balance(books), *state(books, invoice)) == ("0.00", "open", "70.00", "30.00")
    shown = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    assert [(one["amount"], one["refunded"]) for one in shown["payments"]] == [("100.00", "30.00")]
    assert parts(refund(books, made)) == ("refunded", "0.00", "0.00", "120.00")
    assert state(books, invoice) == ("open", "0.00", "100.00")
    assert books.api.get(f"/v1/payments/{made['id']}").json == books.api.every("/v1/payments")[0]
    assert books.post(invoice, "void")["status"] == "void"
    sound_books(books.api.farthing, books.api.organization)


def test_no_more_goes_back_than_is_left(books: Books) -> None:
    """Rule 22: nor what was on the balance and is used."""
    books.customer()
    invoice = books.one_off("100")
    made = pay(books, "150.00", invoice=invoice["id"])
    path = f"/v1/payments/{made['id']}/refund"
    for amount in ("150.01", "0", "-1", "1.001"):
        answer = books.api.post(path, {"amount": amount})
        assert (answer.status_code, (answer.json or {})["errors"][0]["field"]) == (422, "amount")
    books.one_off("30")  # which takes 30.00 of the balance
    answer = books.api.post(path, {})
    assert (answer.status_code, "20.00 is left" in (answer.json or {})["detail"]) == (409, True)
    assert parts(refund(books, made, amount="120")) == ("received", "0.00", "30.00", "120.00")
    assert books.post(invoice, "void")["status"] == "void"  # and what is on the balance stays there
    assert books.api.post(path, {"amount": "1"}).status_code == 409
    assert books.api.post("/v1/payments/pay_none/refund", {}).status_code == 404
    assert books.api.stranger().post(path, {}).status_code == 404
    assert books.api.with_scopes("read").post(path, {}).status_code == 403
    sound_books(books.api.farthing, books.api.organization)


def test_a_payment_is_given_back_once(books: Books) -> None:
    """T19: with many at it at once."""
    books.customer()
    made = pay(books, "100.00", invoice=books.one_off("60")["id"])
    callers = [books.api.farthing_client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda caller: caller.post(f"/v1/payments/{made['id']}/refund", {}), callers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert balance(books) == "0.00"
    sound_books(books.api.farthing, books.api.organization)


def test_the_journal_tells_of_money_without_an_invoice(books: Books) -> None:
    """By the customer's own name (rule 22)."""
    customer = books.customer(name="Acme Ltd")
    refund(books, pay(books, "70.00", customer="acme"), amount="20.00")
    text = books.api.get("/v1/exports/journal?format=beancount").get_data(as_text=True)
    told = [line.partition(" * ")[2] for line in text.splitlines() if " * " in line]
    assert told == ['"Acme Ltd" "Payment on account"', '"Acme Ltd" "Payment given back"']
    rows = [line.split(",") for line in books.api.get("/v1/exports/journal").get_data(as_text=True).splitlines()[1:]]
    assert [(row[3], row[4], *row[11:14]) for row in rows if len(row) > 13] == [
        ("on_account", customer["id"], "cash", "70.00", ""),
        ("on_account", customer["id"], "customer_credit", "", "70.00"),
        ("refund", customer["id"], "cash", "", "20.00"),
        ("refund", customer["id"], "customer_credit", "20.00", ""),
    ]
