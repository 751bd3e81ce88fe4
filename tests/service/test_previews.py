"""What would be billed: the next invoice, and other terms; nothing is stored."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, SEATS, SUPPORT, Books

OCTOBER = {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}


def upcoming(books: Books, subscription: Mapping[str, Any]) -> dict[str, Any]:
    answer = books.api.get(f"/v1/subscriptions/{subscription['id']}/upcoming-invoice")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.json or {})


def test_the_next_invoice_is_told_as_it_will_be(books: Books) -> None:
    """Taxes included, and the run then makes just that."""
    books.api.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": "19", "country": "DE"})
    address = {"country": "DE", "line1": "Weg 1", "city": "Ulm", "postal_code": "89073"}
    one = books.customer_on(BASE, SUPPORT, CALLS, customer={"address": address}, starts_at="2026-11-01T00:00:00Z")
    first = upcoming(books, one)
    assert (first["boundary"], first["total"]) == ("2026-11-01T00:00:00Z", "11.90")
    books.billed("2026-11-20T00:00:00Z")
    assert upcoming(books, one)["boundary"] == "2026-12-01T00:00:00Z"
    books.use("1", "2026-11-10T00:00:00Z", "7")
    told = upcoming(books, one)
    assert [(line["reason"], line["amount"]) for line in told["lines"]] == [
        ("usage", "0.70"), ("fee", "5.00"), ("fee", "10.00")
    ]
    assert (told["as_of"], told["currency"]) == ("2026-11-20T12:00:00Z", "USD")
    before = books.invoices()
    assert upcoming(books, one) == told
    assert books.invoices() == before
    books.api.clock.to("2026-12-02T00:00:00Z")
    [made] = books.billed("2026-12-02T00:00:00Z")
    same = ("subtotal", "discount_total", "tax_total", "total", "taxes", "boundary", "period", "customer")
    assert {name: made[name] for name in same} == {name: told[name] for name in same}


def test_one_that_ends_has_a_last_invoice_and_then_none(books: Books) -> None:
    one = books.customer_on(SUPPORT, starts_at="2026-10-01T00:00:00Z", ends_at="2026-11-11T00:00:00Z")
    books.billed("2026-11-05T00:00:00Z")
    assert [(line["amount"], line["description"]) for line in upcoming(books, one)["lines"]] == [
        ("1.67", "Support (10 of 30 days)")
    ]
    books.billed("2026-11-20T00:00:00Z")
    answer = books.api.get(f"/v1/subscriptions/{one['id']}/upcoming-invoice")
    assert (answer.status_code, (answer.json or {})["type"]) == (409, "urn:farthing:problem:nothing-upcoming")


def test_what_cannot_be_rated_says_why(books: Books) -> None:
    """A combination without a price, as it would park the subscription (rule 10)."""
    matrix = CALLS | {
        "model": "matrix", "dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "0.10"}],
    }
    del matrix["unit_amount"]
    one = books.customer_on(matrix, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", region="us")
    books.billed("2026-10-15T00:00:00Z")
    answer = books.api.get(f"/v1/subscriptions/{one['id']}/upcoming-invoice")
    assert (answer.status_code, "us" in (answer.json or {})["detail"]) == (409, True)


@pytest.fixture
def two(books: Books) -> Books:
    """Two customers with usage in October, and another plan."""
    books.customer_on(BASE, CALLS, starts_at="2026-09-01T00:00:00Z")
    books.customer("bcme")
    books.subscribe(customer="bcme", starts_at="2026-10-17T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", "300")
    books.use("2", "2026-10-20T00:00:00Z", "20", subject="bcme")
    books.use("3", "2026-11-10T00:00:00Z", "9999")
    books.plan(BASE | {"amount": "25.00"}, CALLS | {"unit_amount": "0.02"}, key="big")
    return books


def test_another_plan_is_compared_by_customer_and_in_total(two: Books) -> None:
    """Usage and fees of the periods that end in the time; a partial one pays for its days."""
    told = two.api.made("/v1/simulations", OCTOBER | {"plan": "big"})
    assert [
        (one["customer_key"], one["current"], one["simulated"], one["difference"]) for one in told["data"]
    ] == [("acme", "40.00", "31.00", "-9.00"), ("bcme", "6.84", "12.50", "5.66")]
    assert told["totals"] == [
        {"currency": "USD", "current": "46.84", "simulated": "43.50", "difference": "-3.34"}
    ]
    assert two.invoices() == []


def test_what_is_charged_now_is_what_was_billed(two: Books) -> None:
    told = two.api.made("/v1/simulations", OCTOBER | {"plan": "pro"})
    assert [one["difference"] for one in told["data"]] == ["0.00", "0.00"]
    two.billed("2026-11-20T00:00:00Z")
    usage = [line["amount"] for one in two.invoices() for line in one["lines"] if line["reason"] == "usage"]
    assert sorted(usage) == ["2.00", "30.00"]


def test_prices_can_be_given_instead_of_a_plan(two: Books) -> None:
    tiers = [{"up_to": "100", "unit_amount": "0.10"}, {"up_to": None, "unit_amount": "0.01"}]
    price = dict(CALLS) | {"model": "graduated", "tiers": tiers}
    del price["unit_amount"]
    told = two.api.made("/v1/simulations", OCTOBER | {"prices": [price], "customers": ["acme"]})
    assert [(one["customer_key"], one["simulated"]) for one in told["data"]] == [("acme", "12.00")]


def test_terms_that_do_not_fit_are_named(two: Books) -> None:
    """Another currency, or a price that needs a quantity: that customer is not compared, and it says why."""
    two.plan(CALLS, key="euro", currency="EUR")
    two.plan(SEATS, CALLS, key="seats")
    for plan, word in (("euro", "EUR"), ("seats", "seats")):
        [one, _] = two.api.made("/v1/simulations", OCTOBER | {"plan": plan})["data"]
        assert (one["current"], one["simulated"]) == ("0.00", "0.00")
        assert word in one["refused"][0]


@pytest.mark.parametrize(("body", "status", "field"), [
    (OCTOBER, 422, "plan"), (OCTOBER | {"plan": "big", "prices": [{}]}, 422, "plan"),
    (OCTOBER | {"plan": "none"}, 404, None), (OCTOBER | {"plan": "big", "customers": ["none"]}, 404, None),
    ({"from": OCTOBER["to"], "to": OCTOBER["from"], "plan": "big"}, 422, "to"), ({"plan": "big"}, 422, "from"),
    (OCTOBER | {"prices": [dict(BASE) | {"amount": "-1"}]}, 422, "prices[0].amount"),
    (OCTOBER | {"prices": [dict(CALLS) | {"meter": "none"}]}, 422, "prices"),
    (OCTOBER | {"prices": []}, 422, "prices"), (OCTOBER | {"plan": "big", "more": 1}, 422, "more"),
])
def test_a_simulation_against_a_rule_is_refused(
    two: Books, body: Mapping[str, Any], status: int, field: str | None
) -> None:
    answer = two.api.post("/v1/simulations", dict(body))
    assert answer.status_code == status, answer.get_data(as_text=True)
    if field:
        assert field in [error["field"] for error in (answer.json or {})["errors"]]


def test_previews_are_of_ones_own_organisation(two: Books) -> None:
    """T44."""
    stranger = Books(two.api.stranger())
    [one, *_] = two.api.every("/v1/subscriptions")
    assert stranger.api.get(f"/v1/subscriptions/{one['id']}/upcoming-invoice").status_code == 404
    stranger.plan(BASE, key="big")
    assert stranger.api.made("/v1/simulations", OCTOBER | {"plan": "big"}) == {"data": [], "totals": []}
