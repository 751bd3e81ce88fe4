"""A customer's history over a moving clock: from the first usage to the last invoice."""

from typing import Any

import pytest

from farthing.app import Farthing
from tests.oracle import sound_books
from tests.service.books import BASE, SUPPORT, Books, in_short, lines

pytestmark = pytest.mark.books

SEATS: dict[str, Any] = {
    "key": "seats", "name": "Seats", "model": "graduated", "billing": "in_advance",
    "tiers": [{"up_to": "5", "unit_amount": "9.00"}, {"up_to": None, "unit_amount": "7.50"}],
}
CALLS: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "package", "meter": "calls", "group_by": ["region"],
    "package_size": "100", "package_amount": "1.05", "billing": "in_arrears",
}


def test_from_the_first_day_to_the_last(books: Books, farthing: Farthing) -> None:
    """Usage in, invoices out, money in, and the end (rules 13, 16, 20, 21, 25 and 26)."""
    api, clock = books.api, books.api.clock
    clock.to("2026-09-30T21:30:00Z")  # 23:30 in Berlin
    books.meter(group_by=["region"])
    books.plan(BASE, SUPPORT, SEATS, CALLS)
    books.customer(timezone="Europe/Berlin", payment_terms_days=14)
    subscription = books.subscribe(starts_at="2026-10-01T00:00:00+02:00", quantities={"seats": "7"}, key="main")
    assert subscription["status"] == "scheduled"

    clock.to("2026-10-02T08:00:00Z")
    books.use("1", "2026-10-01T00:00:00+02:00", "250", region="eu")  # its first instant
    [first] = books.billed("2026-10-02T08:00:00Z")
    assert lines(first) == [
        ("fee", "base", "10.00", "2026-09-30", "2026-10-31"), ("fee", "seats", "60.00", "2026-09-30", "2026-10-31"),
    ]
    assert (first["number"], first["due_at"]) == ("INV-2026-000001", "2026-10-16T08:00:00Z")
    pay(books, first, "70.00", "t1")

    clock.to("2026-10-31T23:20:00Z")  # twenty minutes into November in Berlin, an hour after the clocks changed
    books.use("2", "2026-10-31T23:59:59.999999+01:00", "1", subject="main")  # no region, by the subscription's key
    [draft] = books.billed("2026-10-31T23:20:00Z")
    assert (draft["status"], draft["boundary"]) == ("draft", "2026-10-31T23:00:00Z")
    books.use("3", "2026-10-15T12:00:00Z", "51", region="eu")
    books.use("4", "2026-11-01T00:00:00+01:00", "500", region="eu")  # November's

    clock.to("2026-11-01T06:00:00Z")
    [october] = books.billed("2026-11-01T06:00:00Z")
    assert october["id"] == draft["id"]
    assert [(line["price"], line.get("group"), line["quantity"], line["amount"]) for line in october["lines"]] == [
        ("calls", {"region": "eu"}, "301", "4.20"), ("calls", {"region": None}, "1", "1.05"),
        ("support", None, "1", "5.00"), ("base", None, "1", "10.00"), ("seats", None, "7", "60.00"),
    ]
    books.post(october, "void")  # with a wrong address, say
    api.patch("/v1/customers/acme", {"address": {"city": "Berlin", "country": "DE"}})
    [anew] = books.billed("2026-11-01T06:00:00Z")
    assert (anew["number"], anew["total"], anew["customer"]["address"]["city"]) == (
        "INV-2026-000003", october["total"], "Berlin",
    )
    pay(books, anew, "80.00", "t2")
    pay(books, anew, "0.25", "t3")

    clock.to("2026-11-20T12:00:00Z")
    canceled = books.post_subscription(subscription, "cancel", {"at": "period_end"})
    assert (canceled["status"], canceled["ends_at"]) == ("canceled", "2026-11-30T23:00:00Z")
    assert api.delete("/v1/customers/acme").status_code == 409

    clock.to("2027-01-01T12:00:00Z")
    [last] = books.billed("2027-01-01T12:00:00Z")
    assert in_short([last]) == [("2026-11-30T23:00:00Z", "INV-2027-000001", "open", "10.25")]
    assert lines(last) == [
        ("usage", "calls", "5.25", "2026-10-31", "2026-11-30"), ("fee", "support", "5.00", "2026-10-31", "2026-11-30"),
    ]
    assert (api.get("/v1/subscriptions/main").json or {})["status"] == "ended"
    assert books.billed("2027-01-01T12:00:00Z") == []
    states = [(one.number, one.status) for one in sound_books(farthing, api.organization)]
    assert sorted(states, key=str) == [
        ("INV-2026-000001", "paid"), ("INV-2026-000002", "void"), ("INV-2026-000003", "paid"),
        ("INV-2027-000001", "open"),
    ]


def pay(books: Books, invoice: dict[str, Any], amount: str, reference: str) -> None:
    body = {
        "invoice": invoice["number"], "amount": amount, "currency": "USD", "method": "wire", "reference": reference,
    }
    assert books.api.made("/v1/payments", body)["invoice"] == invoice["id"]
