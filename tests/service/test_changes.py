"""Changes of plan, quantity and prices in mid-period, pauses, and ends that were not known (rules 13 to 15)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, SEATS, Books, lines

pytestmark = [pytest.mark.books]

PRO = "pro"
BIG: dict[str, Any] = BASE | {"amount": "40.00"}


@pytest.fixture
def november(books: Books) -> Books:
    """A customer whose November is billed: ten a month in advance, calls at ten cents; and a plan four times dearer."""
    books.meter()
    books.plan(BASE, CALLS)
    books.plan(BIG, CALLS | {"unit_amount": "0.05"}, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    return books


def change(books: Books, verb: str = "change", **body: Any) -> dict[str, Any]:
    return books.api.made(f"/v1/subscriptions/main/{verb}", body)


def december(books: Books) -> dict[str, Any]:
    books.api.clock.to("2026-12-02T00:00:00Z")
    [invoice] = books.billed("2026-12-02T00:00:00Z")
    return invoice


def told(invoice: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return lines(invoice)


def test_another_plan_gives_back_the_days_that_are_left_and_charges_them_anew(november: Books) -> None:
    """And splits the usage (rule 14): of November's 30 days 11 are left on the 20th."""
    november.use("1", "2026-11-10T00:00:00Z", "10")
    november.use("2", "2026-11-20T00:00:00Z", "10")
    changed = change(november, plan="big", at="now")
    assert (changed["plan_key"], changed["changes"][0]["at"]) == ("big", "2026-11-20T00:00:00Z")
    first = november.invoices()[0]
    invoice = december(november)
    assert told(invoice) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-11-20"),
        ("usage", "calls", "0.50", "2026-11-20", "2026-12-01"),
        ("fee", "base", "40.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-3.67", "2026-11-20", "2026-12-01"),
        ("fee", "base", "14.67", "2026-11-20", "2026-12-01"),
    ]
    assert invoice["lines"][3]["corrects"] == {"invoice": first["id"], "line": first["lines"][0]["id"]}
    assert invoice["total"] == "52.50"


def test_a_change_and_its_reverse_on_one_day_cost_nothing(november: Books) -> None:
    """Five times up and down (T20)."""
    for _ in range(5):
        change(november, plan="big", at="now")
        change(november, plan="pro", at="now")
    assert told(december(november)) == [("fee", "base", "10.00", "2026-12-01", "2027-01-01")]


def test_a_change_may_have_an_invoice_of_its_own(november: Books) -> None:
    """Finalised with it, without a boundary and without usage (rule 14)."""
    november.use("1", "2026-11-10T00:00:00Z", "10")
    change(november, plan="big", at="now", invoice="now")
    own = november.invoices()[-1]
    assert (own["status"], own["boundary"], own["total"]) == ("open", None, "11.00")
    assert [line["reason"] for line in own["lines"]] == ["proration", "fee"]
    assert [line[:3] for line in told(december(november))] == [
        ("usage", "calls", "1.00"), ("fee", "base", "40.00"),
    ]


def test_a_change_at_the_end_of_the_period_costs_nothing_more(november: Books) -> None:
    change(november, plan="big", at="period_end")
    assert told(december(november)) == [("fee", "base", "40.00", "2026-12-01", "2027-01-01")]


def test_quantities_change_by_the_day(books: Books) -> None:
    """The first invoice is not finalised yet: it charges each stretch of days as it was (rule 14)."""
    books.plan(SEATS)
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", quantities={"seats": "3"})
    change(books, quantities={"seats": "6"}, at="2026-11-11T00:00:00Z")
    [first] = books.billed("2026-11-20T00:00:00Z")
    assert told(first) == [
        ("fee", "seats", "2.50", "2026-11-01", "2026-11-11"), ("fee", "seats", "10.00", "2026-11-11", "2026-12-01"),
    ]
    change(books, quantities={"seats": "4"}, at="now")
    assert told(december(books)) == [
        ("fee", "seats", "10.00", "2026-12-01", "2027-01-01"),
        ("proration", "seats", "-5.50", "2026-11-20", "2026-12-01"),
        ("fee", "seats", "3.67", "2026-11-20", "2026-12-01"),
    ]


def test_a_pause_gives_back_whole_days_and_keeps_its_usage(november: Books) -> None:
    """From the end of its day to the beginning of another; the boundaries do not move (rule 15)."""
    november.use("1", "2026-11-20T23:59:59Z", "10")
    november.use("2", "2026-11-21T00:00:00Z", "100")
    paused = change(november, "pause", at="now")
    assert (paused["status"], paused["pauses"]) == ("active", [{"from": "2026-11-21T00:00:00Z", "to": None}])
    november.api.clock.to("2026-11-25T12:00:00Z")
    assert (november.api.get("/v1/subscriptions/main").json or {})["status"] == "paused"
    assert [one["key"] for one in november.api.every("/v1/subscriptions?status=paused")] == ["main"]
    assert change(november, "resume", at="now")["status"] == "active"
    assert told(december(november)) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-12-01"),
        ("fee", "base", "10.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-1.33", "2026-11-21", "2026-11-25"),
    ]


def test_a_resumption_on_the_day_of_its_pause_undoes_it(november: Books) -> None:
    change(november, "pause", at="now")
    assert change(november, "resume", at="now")["pauses"] == []
    assert told(december(november)) == [("fee", "base", "10.00", "2026-12-01", "2027-01-01")]


def test_another_interval_ends_the_period_and_starts_a_new_one(november: Books) -> None:
    november.plan(BASE | {"amount": "365.00"}, key="yearly", interval="year", usage_interval="month")
    november.use("1", "2026-11-10T00:00:00Z", "10")
    change(november, plan="yearly", at="now")
    november.api.clock.to("2026-11-21T00:00:00Z")
    [invoice] = november.billed("2026-11-21T00:00:00Z")
    assert told(invoice) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-11-20"),
        ("fee", "base", "42.00", "2026-11-20", "2027-01-01"),
        ("proration", "base", "-3.67", "2026-11-20", "2026-12-01"),
    ]


@pytest.mark.parametrize(("body", "field"), [
    ({"plan": "euro", "at": "now"}, "plan"), ({"quantities": {"x": "1"}, "at": "now"}, "quantities.x"),
    ({"overrides": {"x": {"amount": "1"}}, "at": "now"}, "overrides.x"), ({"at": "soon"}, "at"), ({}, "at"),
    ({"plan": "big", "at": "2026-10-31T00:00:00Z"}, "at"), ({"plan": "seats", "at": "now"}, "quantities.seats"),
    ({"plan": "big", "at": "now", "invoice": "later"}, "invoice"), ({"plan": "big", "at": "now", "x": 1}, "x"),
])
def test_what_is_against_a_rule_is_named(november: Books, body: Mapping[str, Any], field: str) -> None:
    november.plan(BASE, key="euro", currency="EUR")
    november.plan(SEATS, key="seats")
    before = november.api.get("/v1/subscriptions/main").json
    answer = november.api.post("/v1/subscriptions/main/change", body)
    assert answer.status_code == 422
    assert field in [each["field"] for each in (answer.json or {})["errors"]]
    assert november.api.get("/v1/subscriptions/main").json == before
