"""What a change, a pause or an end would make of the next invoice: told as it will be, and nothing is stored."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, SEATS, Books, lines

pytestmark = [pytest.mark.books]

SAME = ("subtotal", "discount_total", "tax_total", "total", "taxes", "boundary", "period", "customer")
CALLED = [
    ("change", {"plan": "big", "at": "now"}), ("change", {"plan": "big", "at": "now", "invoice": "now"}),
    ("change", {"plan": "big", "at": "period_end"}), ("change", {"plan": "big", "at": "2026-11-25T00:00:00Z"}),
    ("change", {"overrides": {"base": {"amount": "7.00"}}, "at": "now"}), ("change", {"plan": "yearly", "at": "now"}),
    ("cancel", {"at": "period_end"}), ("pause", {"at": "now"}), ("pause", {"at": "2026-11-28T00:00:00Z"}),
]


@pytest.fixture
def november(books: Books) -> Books:
    """A customer whose November is billed, taxed and discounted; and plans to change to."""
    books.api.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": "19", "country": "DE"})
    books.api.made("/v1/coupons", {"key": "tenth", "name": "A tenth", "percent": "10", "duration": {"invoices": 2}})
    books.meter()
    books.plan(BASE, CALLS)
    books.plan(BASE | {"amount": "40.00"}, CALLS | {"unit_amount": "0.05"}, key="big")
    books.plan(BASE | {"amount": "365.00"}, key="yearly", interval="year", usage_interval="month")
    books.plan(BASE, key="euro", currency="EUR")
    address = {"country": "DE", "line1": "Weg 1", "city": "Ulm", "postal_code": "89073"}
    books.customer(address=address)
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", coupons=["tenth"])
    books.billed("2026-11-20T00:00:00Z")
    books.use("1", "2026-11-10T00:00:00Z", "100")
    return books


def preview(books: Books, **call: Any) -> dict[str, Any]:
    return books.api.made("/v1/invoices/preview", {"subscription": "main"} | call)


def state(books: Books) -> object:
    return books.api.get("/v1/subscriptions/main").json, books.invoices(), books.api.every("/v1/credit-notes")


@pytest.mark.parametrize(("verb", "body"), CALLED)
def test_it_is_told_as_it_will_be(november: Books, verb: str, body: Mapping[str, Any]) -> None:
    """The call is made, and the run makes just that invoice; asking twice stores nothing."""
    before = state(november)
    told = preview(november, **{verb: body})
    assert preview(november, **{verb: body}) == told
    assert state(november) == before
    known = {one["id"] for one in november.invoices()}
    november.api.made(f"/v1/subscriptions/main/{verb}", body)
    november.api.clock.to("2026-12-02T00:00:00Z")
    november.billed("2026-12-02T00:00:00Z")
    made = next(one for one in november.invoices() if one["id"] not in known)
    assert {name: made[name] for name in SAME} == {name: told[name] for name in SAME}
    assert lines(made) == lines(told)
    assert [line.get("corrects") for line in made["lines"]] == [line.get("corrects") for line in told["lines"]]


def test_it_says_what_there_would_be_without(november: Books) -> None:
    """Thirty days cost ten, or forty: eleven of them are left (rule 14), all less a tenth and with tax."""
    told = preview(november, change={"plan": "big", "at": "now"})
    assert [line[:3] for line in lines(told)] == [
        ("usage", "calls", "10.00"), ("fee", "base", "40.00"), ("proration", "base", "-3.30"), ("fee", "base", "14.67"),
    ]
    upcoming = november.api.get("/v1/subscriptions/main/upcoming-invoice").json or {}
    assert told["without"] == upcoming
    assert (told["total"], upcoming["total"], told["difference"]) == ("65.33", "21.42", "43.91")


def test_an_own_invoice_would_not_be_there_otherwise(november: Books) -> None:
    told = preview(november, change={"plan": "big", "at": "now", "invoice": "now"})
    assert (told["boundary"], told["without"], told["difference"]) == (None, None, told["total"])


def test_nothing_called_is_the_upcoming_invoice(november: Books) -> None:
    told = preview(november)
    upcoming = november.api.get("/v1/subscriptions/main/upcoming-invoice").json or {}
    assert {name: told[name] for name in upcoming} == upcoming
    assert (told["without"], told["difference"]) == (upcoming, "0.00")


def test_what_the_invoice_cannot_bear_is_shown_as_credit_notes(november: Books) -> None:
    """Canceled without usage, nothing bears the ten days that are given back (rule 14)."""
    november.void_event("1")
    told = preview(november, cancel={"at": "now"})
    assert (told["lines"], told["total"]) == ([], "0.00")
    [note] = told["credit_notes"]
    first = november.invoices()[0]
    assert (note["invoice"], note["lines"][0]["line"]) == (first["id"], first["lines"][0]["id"])
    november.api.made("/v1/subscriptions/main/cancel", {"at": "now"})
    november.api.clock.to("2026-12-02T00:00:00Z")
    november.run("2026-12-02T00:00:00Z")
    [made] = november.api.every("/v1/credit-notes")
    assert {name: made[name] for name in ("subtotal", "tax_total", "total")} == {
        name: note[name] for name in ("subtotal", "tax_total", "total")
    }
    assert told["difference"] == "-14.28"  # ten, less a tenth, with tax, and a third of it


def test_before_the_fee_is_billed_its_own_invoice_is_shown(books: Books) -> None:
    """It charges each stretch of its days as the call would leave them (rule 14)."""
    books.plan(SEATS)
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", quantities={"seats": "3"})
    told = preview(books, change={"quantities": {"seats": "6"}, "at": "2026-11-11T00:00:00Z"})
    assert lines(told) == [
        ("fee", "seats", "2.50", "2026-11-01", "2026-11-11"), ("fee", "seats", "10.00", "2026-11-11", "2026-12-01"),
    ]
    assert (told["without"]["total"], told["difference"]) == ("7.50", "5.00")


def test_one_that_would_never_begin_has_no_invoice(books: Books) -> None:
    books.plan(BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-12-01T00:00:00Z")
    told = preview(books, cancel={"at": "now"})
    assert (told["boundary"], told["lines"], told["total"]) == (None, [], "0.00")
    assert (told["without"]["total"], told["difference"]) == ("10.00", "-10.00")


def test_a_commitment_is_told_once_with_the_change_and_once_without(books: Books) -> None:
    """Each of the two looks at its own lines alone (rule 9): the true-up of November is the same in both."""
    books.meter()
    books.plan(BASE, CALLS, minimum_commitment="50.00")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    books.use("1", "2026-11-10T00:00:00Z", "100")
    told = preview(books, change={"overrides": {"base": {"amount": "11.00"}}, "at": "period_end"})
    ups = [[line["amount"] for line in each["lines"] if line["reason"] == "commitment"]
           for each in (told, told["without"])]
    assert (ups, told["difference"]) == ([["30.00"], ["30.00"]], "1.00")


@pytest.mark.parametrize(("verb", "body"), [
    ("change", {"plan": "euro", "at": "now"}), ("change", {"quantities": {"x": "1"}, "at": "now"}),
    ("change", {"overrides": {"x": {"amount": "1"}}, "at": "now"}), ("change", {"plan": "none", "at": "now"}),
    ("change", {"plan": "big", "at": "2026-10-31T00:00:00Z"}), ("cancel", {"at": "2026-10-01T00:00:00Z"}),
    ("resume", {"at": "now"}), ("pause", {"at": "2026-10-01T00:00:00Z"}),
])
def test_a_call_is_refused_as_it_would_be_itself(november: Books, verb: str, body: Mapping[str, Any]) -> None:
    told = november.api.post("/v1/invoices/preview", {"subscription": "main", verb: body})
    itself = november.api.post(f"/v1/subscriptions/main/{verb}", dict(body))
    assert told.status_code == itself.status_code >= 400
    same = ("type", "title", "detail", "errors")
    assert [(told.json or {}).get(name) for name in same] == [(itself.json or {}).get(name) for name in same]


@pytest.mark.parametrize(("body", "status", "field"), [
    ({}, 422, "subscription"), ({"subscription": "none"}, 404, None),
    ({"subscription": "main", "change": {"at": "soon"}}, 422, "change.at"),
    ({"subscription": "main", "pause": {"at": "now"}, "cancel": {"at": "now"}}, 422, "pause"),
    ({"subscription": "main", "more": 1}, 422, "more"),
])
def test_a_preview_against_a_rule_is_refused(
    november: Books, body: Mapping[str, Any], status: int, field: str | None
) -> None:
    answer = november.api.post("/v1/invoices/preview", dict(body))
    assert answer.status_code == status, answer.get_data(as_text=True)
    if field:
        assert field in [error["field"] for error in (answer.json or {})["errors"]]


def test_a_subscription_that_is_over_has_nothing_to_be_previewed(november: Books) -> None:
    november.api.made("/v1/subscriptions/main/cancel", {"at": "now"})
    november.api.clock.to("2026-11-22T00:00:00Z")
    november.run("2026-11-21T12:00:00Z")
    answer = november.api.post("/v1/invoices/preview", {"subscription": "main"})
    assert (answer.status_code, (answer.json or {})["type"]) == (409, "urn:farthing:problem:nothing-upcoming")


def test_previews_of_changes_are_of_ones_own_organisation(november: Books) -> None:
    """T44."""
    [one] = november.api.every("/v1/subscriptions")
    answer = november.api.stranger().post("/v1/invoices/preview", {"subscription": one["id"]})
    assert answer.status_code == 404
