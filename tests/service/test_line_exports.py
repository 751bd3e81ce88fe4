"""Invoice lines as CSV: every figure as its invoice has it, and no text that a spreadsheet runs (T53)."""

import csv
import io
from typing import Any

import pytest

from farthing.billing.line_exports import service
from tests.service.books import BASE, Books

REGIONS: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "per_unit", "unit_amount": "0.10", "meter": "calls",
    "billing": "in_arrears", "group_by": ["region"],
}


def exported(books: Books, query: str = "") -> list[dict[str, str]]:
    answer = books.api.get(f"/v1/exports/lines{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


def test_every_line_of_a_finalised_invoice_is_a_row(books: Books) -> None:
    """In the order of issue, with local days, tax rates and what was taken off."""
    books.api.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": "19", "country": "DE"})
    books.api.made("/v1/coupons", {"key": "tenth", "name": "A tenth", "percent": "10", "duration": "forever"})
    customer = {"address": {"country": "DE"}, "timezone": "Europe/Berlin"}
    one = books.customer_on(
        BASE, REGIONS, starts_at="2026-09-30T22:00:00Z", customer=customer, coupons=["tenth"],
    )
    books.use("1", "2026-10-07T12:00:00Z", "3", region="eu")
    books.use("2", "2026-10-08T12:00:00Z", "2")
    invoices = books.billed("2026-11-20T00:00:00Z")
    books.one_off("5", finalize=False)
    rows = exported(books)
    assert [row["number"] for row in rows] == ["INV-2026-000001", *["INV-2026-000002"] * 3]
    assert [row["line"] for row in rows] == [line["id"] for invoice in invoices for line in invoice["lines"]]
    assert rows[1] == {
        "number": "INV-2026-000002", "issued_at": "2026-11-20T12:00:00Z", "status": "open",
        "customer": one["customer"], "customer_key": "acme", "customer_name": "Acme", "subscription": one["id"],
        "line": invoices[1]["lines"][0]["id"], "reason": "usage", "description": "Calls (region eu)", "price": "calls",
        "group": "region=eu", "period_from": "2026-09-30T22:00:00Z", "period_to": "2026-10-31T23:00:00Z",
        "first_day": "2026-10-01", "last_day": "2026-10-31", "quantity": "3", "unit_amount": "0.1", "currency": "USD",
        "amount": "0.30", "discount": "0.03", "net": "0.27", "tax": "0.05", "rates": "vat 19 %",
        "corrects_invoice": "", "corrects_line": "",
    }
    assert rows[2]["group"] == "region="
    for name, figure in (("amount", "subtotal"), ("discount", "discount_total"), ("tax", "tax_total")):
        for invoice in invoices:
            parts = [int(row[name].replace(".", "")) for row in rows if row["number"] == invoice["number"]]
            assert sum(parts) == int(invoice[figure].replace(".", ""))


def test_the_export_is_narrowed(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the day of issue in the organisation's zone or an instant, and by customer; also over many pages."""
    monkeypatch.setattr(service, "PAGE", 2)
    books.api.patch("/v1/organization", {"timezone": "Asia/Tokyo"})
    for number, at in enumerate(("2026-11-20T14:59:59Z", "2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z")):
        books.api.clock.to(at)
        books.customer(f"c{number}")
        for _ in range(3):
            books.one_off("5", customer=f"c{number}")
    assert len(exported(books)) == 9
    assert {row["customer_key"] for row in exported(books, "?from=2026-11-21&to=2026-11-22")} == {"c1"}
    assert {row["customer_key"] for row in exported(books, "?from=2026-11-21")} == {"c1", "c2"}
    assert {row["customer_key"] for row in exported(books, "?to=2026-11-20T15:00:00Z")} == {"c0"}
    assert {row["customer_key"] for row in exported(books, "?customer=c2")} == {"c2"}
    assert books.api.get("/v1/exports/lines?customer=nobody").status_code == 404
    assert books.api.get("/v1/exports/lines?from=soon").status_code == 422
    assert books.api.get("/v1/exports/lines?format=csv").status_code == 422
    stranger = Books(books.api.stranger())
    assert exported(stranger) == []


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "＝1"])
def test_no_cell_is_a_formula(books: Books, text: str) -> None:
    """T53: texts get an apostrophe, figures stay numbers."""
    books.customer(name=text)
    line = {"description": text, "quantity": "2", "unit_amount": "0.50"}
    books.one_off("", lines=[line])
    [row] = exported(books)
    assert (row["description"], row["customer_name"], row["amount"]) == (f"'{text}", f"'{text}", "1.00")


def test_a_credit_names_what_it_corrects(books: Books) -> None:
    """A change in mid-month gives back days of the old plan: below zero, and still a number (rule 14)."""
    subscription = books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    [first] = books.billed("2026-11-02T00:00:00Z")
    books.plan(BASE | {"amount": "40.00"}, key="big")
    books.post_subscription(subscription, "change", {"plan": "big", "at": "2026-11-16T00:00:00Z", "invoice": "now"})
    credits = [row for row in exported(books) if row["amount"].startswith("-")]
    assert [(row["amount"], row["corrects_invoice"], row["corrects_line"]) for row in credits] == [
        ("-5.00", first["number"], first["lines"][0]["id"]),
    ]
