"""One-off charges: a line that waits for the customer's next invoice (rule 26)."""

from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, BY_REGION, CALLS, Books

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing

SETUP: dict[str, Any] = {
    "customer": "acme", "description": "Setup", "quantity": "1.5", "unit_amount": "100.01", "currency": "USD",
}


def charge(books: Books, **fields: Any) -> dict[str, Any]:
    return books.api.made("/v1/charges", SETUP | fields)


def told(invoice: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(line["reason"], line["description"], line["amount"]) for line in invoice["lines"]]


def standing(books: Books, made: dict[str, Any]) -> tuple[str, str | None]:
    found = books.api.get(f"/v1/charges/{made['id']}").json or {}
    return found["status"], found["invoice"]


def sound(books: Books) -> None:
    sound_books(books.api.farthing, books.api.organization)


def test_a_charge_says_all_that_was_sent(books: Books) -> None:
    customer = books.customer()
    made = charge(books, tax_code="services")
    assert made == {
        "id": made["id"], "customer": customer["id"], "customer_key": "acme", "description": "Setup",
        "quantity": "1.5", "unit_amount": "100.01", "amount": "150.02", "currency": "USD", "tax_code": "services",
        "status": "waiting", "invoice": None, "version": 1, "created_at": "2026-11-20T12:00:00Z",
    }
    assert made["id"].startswith("chg_")
    assert books.api.get(f"/v1/charges/{made['id']}").json == made
    books.customer("other")
    other = charge(books, customer="other")
    assert books.api.every("/v1/charges") == [made, other]
    assert books.api.every("/v1/charges?customer=acme&status=waiting") == [made]
    assert books.api.every("/v1/charges?status=billed") == []
    assert books.api.stranger().get(f"/v1/charges/{made['id']}").status_code == 404


@pytest.mark.parametrize(("change", "field"), [
    ({"quantity": "0"}, "quantity"), ({"quantity": "-1"}, "quantity"), ({"unit_amount": "-1"}, "unit_amount"),
    ({"unit_amount": "1e25"}, "unit_amount"), ({"currency": "EUR"}, "currency"), ({"currency": "usd"}, "currency"),
    ({"description": ""}, "description"), ({"customer": None}, "customer"), ({"surprise": 1}, "surprise"),
    ({"invoice": "inv_1"}, "invoice"), ({"amount": "1.00"}, "amount"),
])
def test_an_unlawful_charge_is_refused(books: Books, change: dict[str, Any], field: str) -> None:
    """Every field and rule by name; the currency is the customer's (rule 23)."""
    books.customer()
    sent = {name: value for name, value in (SETUP | change).items() if value is not None}
    answer = books.api.post("/v1/charges", sent)
    assert answer.status_code == 422
    assert [error["field"] for error in (answer.json or {})["errors"]] == [field]
    assert books.api.every("/v1/charges") == []


def test_a_charge_joins_the_first_invoice_of_a_run_as_its_last_line(books: Books) -> None:
    """Of three boundaries that are due the first takes it (rules 19 and 26)."""
    books.customer_on(BASE, CALLS)
    books.use("1", "2026-09-07T12:00:00Z", "3")
    made = [charge(books), charge(books, description="Training", quantity="1", unit_amount="20")]
    first, second, third = books.billed("2026-11-20T00:00:00Z")
    assert told(first) == [
        ("fee", "Base fee", "10.00"), ("one_off", "Setup", "150.02"), ("one_off", "Training", "20.00"),
    ]
    assert (first["total"], first["status"]) == ("180.02", "open")
    assert [told(one)[-1][0] for one in (second, third)] == ["fee", "fee"]
    assert {standing(books, one) for one in made} == {("billed", first["id"])}
    assert books.billed("2026-11-20T00:00:00Z") == []
    assert books.api.delete(f"/v1/charges/{made[0]['id']}").status_code == 409
    sound(books)


def test_a_boundary_without_a_line_makes_an_invoice_of_a_charge(books: Books) -> None:
    """Nothing was used, and there is no fee (rule 26)."""
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z")
    charge(books)
    [invoice] = books.billed("2026-10-01T00:10:00Z")
    assert (invoice["status"], invoice["period"], invoice["boundary"]) == ("draft", None, "2026-10-01T00:00:00Z")
    assert told(invoice) == [("one_off", "Setup", "150.02")]
    assert books.post(invoice, "finalize")["number"] == "INV-2026-000001"
    sound(books)


def test_a_charge_waits_where_nothing_is_due(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-12-01T00:00:00Z")
    made = charge(books)
    assert books.billed("2026-11-20T00:00:00Z") == []
    assert standing(books, made) == ("waiting", None)
    books.one_off("5.00")
    assert standing(books, made) == ("waiting", None)
    assert books.api.delete(f"/v1/charges/{made['id']}", headers={"If-Match": '"7"'}).status_code == 412
    assert books.api.delete(f"/v1/charges/{made['id']}").status_code == 204
    assert books.api.get(f"/v1/charges/{made['id']}").status_code == 404
    books.api.clock.to("2026-12-02T00:00:00Z")
    [invoice] = books.billed("2026-12-02T00:00:00Z")
    assert told(invoice) == [("fee", "Base fee", "10.00")]


def test_a_draft_keeps_its_charge_when_it_is_rated_again(books: Books) -> None:
    """And takes those that came since (rule 26)."""
    books.customer_on(BASE, CALLS, starts_at="2026-10-01T00:00:00Z")
    charge(books)
    books.run("2026-10-01T00:10:00Z")
    [draft] = books.invoices(status="draft")
    late = charge(books, description="Training")
    books.use("1", "2026-10-07T12:00:00Z", "3")
    books.run("2026-10-01T00:20:00Z")
    [again] = books.invoices(status="draft")
    assert [one["id"] for one in again["lines"][:2]] == [one["id"] for one in draft["lines"]]
    assert told(again) == [
        ("fee", "Base fee", "10.00"), ("one_off", "Setup", "150.02"), ("one_off", "Training", "150.02"),
    ]
    final = books.post(again, "finalize")
    assert told(final) == told(again)
    assert standing(books, late) == ("billed", final["id"])
    sound(books)


def test_deleting_or_voiding_frees_a_charge(books: Books) -> None:
    """Once more it joins the next invoice; voided without `rebill` it stays closed (rules 20 and 26)."""
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    made = charge(books)
    [draft] = books.billed("2026-11-01T00:10:00Z")
    assert books.api.delete(f"/v1/invoices/{draft['id']}").status_code == 204
    assert standing(books, made) == ("waiting", None)
    [first] = books.billed("2026-11-20T00:00:00Z")
    books.post(first, "void")
    assert standing(books, made) == ("waiting", None)
    [second] = books.billed("2026-11-20T00:00:00Z")
    assert told(second) == told(first)
    sound(books)
    books.post(second, "void", {"rebill": False})
    assert standing(books, made) == ("billed", second["id"])
    assert books.billed("2026-11-20T00:00:00Z") == []
    sound(books)


def test_a_parked_boundary_does_not_swallow_a_charge(books: Books) -> None:
    """It has a region that no cell names: the customer's other subscription takes the charge (rules 10 and 26)."""
    books.customer_on(BY_REGION, BASE, starts_at="2026-10-01T00:00:00Z")
    books.plan(BASE, key="other")
    other = books.subscribe(plan="other", starts_at="2026-11-01T00:00:00Z")
    books.run("2026-10-02T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", region="mars")
    made = charge(books)
    run = books.run("2026-11-20T00:00:00Z")
    assert len(run["parked"]) == 1
    [invoice] = books.invoices(subscription=other["id"])
    assert standing(books, made) == ("billed", invoice["id"])
    assert told(invoice)[-1] == ("one_off", "Setup", "150.02")


def test_coupons_and_taxes_apply_to_a_charge(books: Books) -> None:
    """As to any line; its tax code chooses its rate (rules 19 and 27)."""
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z", customer={"address": {"country": "DE"}})
    rate = {"name": "VAT", "percent": "19", "country": "DE"}
    books.api.made("/v1/tax-rates", rate | {"key": "full"})
    books.api.made("/v1/tax-rates", rate | {"key": "low", "percent": "7", "tax_code": "books"})
    books.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "forever"})
    books.api.made("/v1/customers/acme/coupons", {"coupon": "half"})
    charge(books, quantity="1", unit_amount="100", tax_code="books")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert [(line["discount"], line["tax"]) for line in invoice["lines"]] == [("5.00", "0.95"), ("50.00", "3.50")]
    line = invoice["lines"][1]["id"]
    explained = books.api.get(f"/v1/invoices/{invoice['id']}/lines/{line}/explain").json or {}
    assert (explained["exact"], explained["reason"]) == ("100", "one_off")
    sound(books)


def test_a_customer_with_a_waiting_charge_stays(books: Books) -> None:
    """And keeps its currency (rule 23)."""
    books.customer()
    made = charge(books)
    assert books.api.delete("/v1/customers/acme").status_code == 409
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 409
    books.api.delete(f"/v1/charges/{made['id']}")
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 200
    assert books.api.delete("/v1/customers/acme").status_code == 204


def test_the_upcoming_invoice_shows_the_charges_that_will_join_it(books: Books) -> None:
    """Only of the subscription that is billed first; and a draft's own (rule 26)."""
    first = books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    books.plan(BASE, key="other")
    second = books.subscribe(plan="other", starts_at="2026-11-05T00:00:00Z")

    def upcoming(subscription: dict[str, Any]) -> list[tuple[str, str, str]]:
        return told(books.api.get(f"/v1/subscriptions/{subscription['id']}/upcoming-invoice").json or {})

    charge(books)
    both = [("fee", "Base fee", "10.00"), ("one_off", "Setup", "150.02")]
    assert (upcoming(first), upcoming(second)) == (both, [("fee", "Base fee (26 of 30 days)", "8.67")])
    books.run("2026-11-01T00:10:00Z")
    assert upcoming(first) == both


def test_a_dry_run_counts_a_charge_and_leaves_it(books: Books) -> None:
    books.customer_on(CALLS, starts_at="2026-09-01T00:00:00Z")
    made = charge(books)
    assert books.run("2026-11-20T00:00:00Z", dry_run=True)["invoices"] == 1
    assert standing(books, made) == ("waiting", None)
