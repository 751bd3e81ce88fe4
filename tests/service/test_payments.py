"""Payments over HTTP: money that came in for an invoice (T19, rules 22 and 23 as far as they are built)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.books import Books

pytestmark = pytest.mark.books


@pytest.fixture
def invoice(books: Books) -> dict[str, Any]:
    """An open invoice of 100.00 USD."""
    books.customer()
    return books.one_off("100")


def payment(invoice: Mapping[str, Any], amount: object = "40.00", **fields: Any) -> dict[str, Any]:
    usual = {"invoice": invoice["id"], "amount": amount, "currency": "USD", "method": "wire", "reference": "r1"}
    return usual | fields


def test_a_payment_lowers_what_is_due(books: Books, invoice: dict[str, Any]) -> None:
    """I5: `amount_due` is the total less what was paid; the last of it makes the invoice paid."""
    made = books.api.made("/v1/payments", payment(invoice, received_at="2026-11-19T10:00:00+01:00"))
    assert made == {
        "id": made["id"], "status": "received", "invoice": invoice["id"], "customer": invoice["customer"]["id"],
        "amount": "40.00", "on_invoice": "40.00", "on_balance": "0.00", "refunded": "0.00", "currency": "USD",
        "method": "wire", "reference": "r1", "bank_transaction": None, "received_at": "2026-11-19T09:00:00Z",
        "created_at": "2026-11-20T12:00:00Z", "refunds": [],
    }
    part = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    assert (part["status"], part["amount_paid"], part["amount_due"]) == ("open", "40.00", "60.00")
    assert part["total"] == "100.00"
    assert part["payments"] == [{
        "id": made["id"], "amount": "40.00", "currency": "USD", "method": "wire", "reference": "r1",
        "received_at": "2026-11-19T09:00:00Z",
    }]
    books.api.made("/v1/payments", payment(invoice, 60, reference=None))
    whole = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    assert (whole["status"], whole["amount_paid"], whole["amount_due"]) == ("paid", "100.00", "0.00")


def test_the_same_receipt_again_is_one_payment(books: Books, invoice: dict[str, Any]) -> None:
    """T19: by method and reference, also once the invoice is paid, and named by number."""
    first = books.api.post("/v1/payments", payment(invoice, "100.00"))
    again = books.api.post("/v1/payments", payment({"id": invoice["number"]}, "100"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert first.headers["Location"] == f"/v1/payments/{(first.json or {})['id']}"
    assert len(books.api.every("/v1/payments")) == 1


@pytest.mark.parametrize("change", [{"amount": "40.01"}, {"amount": "50"}])
def test_the_same_reference_with_other_money_is_refused(
    books: Books, invoice: dict[str, Any], change: Mapping[str, Any]
) -> None:
    books.api.made("/v1/payments", payment(invoice))
    assert books.api.post("/v1/payments", payment(invoice, **change)).status_code == 409
    assert books.api.post("/v1/payments", payment(invoice, method="card")).status_code == 201


def test_the_same_reference_for_another_invoice_is_refused(books: Books, invoice: dict[str, Any]) -> None:
    """Or its sender would take that one for paid."""
    other = books.one_off("40")
    books.api.made("/v1/payments", payment(invoice))
    assert books.api.post("/v1/payments", payment(other)).status_code == 409
    assert (books.api.get(f"/v1/invoices/{other['id']}").json or {})["amount_due"] == "40.00"


@pytest.mark.parametrize(("change", "field", "title"), [
    ({"customer": "acme"}, "invoice", "Invalid input"),
    ({"currency": "EUR"}, "currency", "Invalid input"), ({"currency": "usd"}, "currency", "Invalid input"),
    ({"amount": "0"}, "amount", "Invalid input"), ({"amount": "-1"}, "amount", "Invalid input"),
    ({"amount": "1.001"}, "amount", "Invalid input"), ({"amount": "1.000"}, "amount", "Invalid input"),
    ({"amount": True}, "amount", "Invalid input"), ({"amount": None}, "amount", "Invalid input"),
    ({"method": ""}, "method", "Invalid input"), ({"received_at": "today"}, "received_at", "Invalid input"),
    ({"status": "received"}, "status", "Invalid input"),
])
def test_a_payment_that_cannot_be_is_refused(
    books: Books, invoice: dict[str, Any], change: Mapping[str, Any], field: str, title: str
) -> None:
    """T13, T19, T45: nothing is stored, and the refusal names the field."""
    answer = books.api.post("/v1/payments", payment(invoice, **change))
    assert (answer.status_code, (answer.json or {})["title"]) == (422, title)
    assert field in [error["field"] for error in (answer.json or {})["errors"]]
    assert books.api.every("/v1/payments") == []
    assert books.api.get(f"/v1/invoices/{invoice['id']}").json == invoice


def test_decimals_are_the_currencys(books: Books) -> None:
    """T13: none in yen, three in Kuwaiti dinars."""
    for code, good, bad in (("JPY", "12", "12.0"), ("KWD", "1.230", "1.2300")):
        books.customer(code.lower(), currency=code)
        invoice = books.one_off("50", customer=code.lower(), currency=code)
        assert books.api.post("/v1/payments", payment(invoice, bad, currency=code, reference=None)).status_code == 422
        made = books.api.made("/v1/payments", payment(invoice, good, currency=code, reference=None))
        assert made["amount"] == good


@pytest.mark.parametrize("state", ["draft", "void", "paid"])
def test_only_an_open_invoice_takes_payments(books: Books, state: str) -> None:
    books.customer()
    invoice = books.one_off("100", finalize=state != "draft")
    if state == "void":
        books.post(invoice, "void")
    if state == "paid":
        books.api.made("/v1/payments", payment(invoice, "100.00"))
    answer = books.api.post("/v1/payments", payment(invoice, reference="r2"))
    assert (answer.status_code, state in (answer.json or {})["detail"]) == (409, True)


def test_payments_at_once_never_pay_more_than_is_due(books: Books, invoice: dict[str, Any]) -> None:
    def pay(number: int) -> int:
        body = payment(invoice, "40.00", reference=f"r{number}")
        return books.api.farthing_client().post("/v1/payments", body).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(pay, range(4))) == [201, 201, 201, 409]  # the third has 20.00 too much
    after = books.api.get(f"/v1/invoices/{invoice['id']}").json or {}
    assert (after["amount_paid"], after["amount_due"], len(after["payments"])) == ("100.00", "0.00", 3)
    assert sorted(one["on_balance"] for one in books.api.every("/v1/payments")) == ["0.00", "0.00", "20.00"]


def test_one_receipt_sent_at_once_is_one_payment(books: Books, invoice: dict[str, Any]) -> None:
    """T19: the others get what the first made, not a conflict."""
    def pay(_: int) -> tuple[int, str]:
        answer = books.api.farthing_client().post("/v1/payments", payment(invoice, "100.00"))
        return answer.status_code, (answer.json or {}).get("id", "")

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(pay, range(4)))
    assert [status for status, _ in answers] == [200, 200, 200, 201]
    assert len({id for _, id in answers}) == 1


def test_payments_are_found_by_customer_and_invoice(books: Books, invoice: dict[str, Any]) -> None:
    books.customer("beta")
    other = books.one_off("100", customer="beta")
    mine = books.api.made("/v1/payments", payment(invoice))
    theirs = books.api.made("/v1/payments", payment(other, reference="r2"))
    assert books.api.every("/v1/payments") == [mine, theirs]
    assert books.api.every("/v1/payments?customer=beta") == [theirs]
    assert books.api.every(f"/v1/payments?invoice={invoice['id']}") == [mine]
    assert books.api.every(f"/v1/payments?invoice={invoice['number']}") == [mine]
    assert books.api.get("/v1/payments?limit=1").json == {
        "data": [mine], "next": (books.api.get("/v1/payments?limit=1").json or {})["next"],
    }
    assert books.api.get(f"/v1/payments/{mine['id']}").json == mine
    for query in ("customer=nobody", "invoice=INV-2026-000009"):
        assert books.api.get(f"/v1/payments?{query}").status_code == 404


def test_a_payment_is_its_organizations_alone(books: Books, invoice: dict[str, Any]) -> None:
    """T44; and a reference is each organisation's own."""
    made = books.api.made("/v1/payments", payment(invoice))
    stranger = Books(books.api.stranger())
    assert stranger.api.get(f"/v1/payments/{made['id']}").status_code == 404
    assert stranger.api.post("/v1/payments", payment(invoice)).status_code == 404
    assert stranger.api.every("/v1/payments") == []
    stranger.customer()
    assert stranger.api.post("/v1/payments", payment(stranger.one_off("100"))).status_code == 201
    assert books.api.with_scopes("read").post("/v1/payments", payment(invoice)).status_code == 403
