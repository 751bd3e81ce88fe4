"""Usage that comes late, and voided events, of periods that are billed (rule 18; T21)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, Books, lines

pytestmark = [pytest.mark.books]


@pytest.fixture(autouse=True)
def sound(books: Books) -> Iterator[None]:
    """Whatever came late, the books end sound."""
    yield
    sound_books(books.api.farthing, books.api.organization)


@pytest.fixture
def november(books: Books) -> Books:
    """A customer whose October is billed: ten calls for a dollar, and ten dollars a month."""
    books.customer_on(CALLS, BASE, key="main", starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", "10")
    books.billed("2026-11-01T12:00:00Z")
    return books


def december(books: Books) -> dict[str, Any]:
    books.api.clock.to("2026-12-02T00:00:00Z")
    [invoice] = books.billed("2026-12-02T00:00:00Z")
    return invoice


def late(invoice: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [line for line in lines(invoice) if line[0] == "late_usage"]


def test_a_late_event_is_billed_on_the_next_invoice(november: Books) -> None:
    """And the finalised one stays as it is (T21)."""
    before = november.invoices()
    november.use("2", "2026-10-31T23:59:59.999999Z", "5")
    november.use("3", "2026-11-01T00:00:00Z", "1")
    assert november.invoices() == before
    invoice = december(november)
    assert lines(invoice) == [
        ("usage", "calls", "0.10", "2026-11-01", "2026-12-01"), ("fee", "base", "10.00", "2026-12-01", "2027-01-01"),
        ("late_usage", "calls", "0.50", "2026-10-01", "2026-11-01"),
    ]
    first = next(one for one in before if one["boundary"] == "2026-11-01T00:00:00Z")
    assert invoice["lines"][2]["corrects"] == {"invoice": first["id"], "line": first["lines"][0]["id"]}
    assert invoice["lines"][2]["quantity"] == "5"
    assert invoice["period"] == {"from": "2026-11-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}


def test_a_voided_event_is_given_back(november: Books) -> None:
    november.void_event("1")
    invoice = december(november)
    assert late(invoice) == [("late_usage", "calls", "-1.00", "2026-10-01", "2026-11-01")]
    assert invoice["lines"][-1]["quantity"] == "-10"
    assert invoice["total"] == "9.00"


def test_a_late_line_on_an_earlier_boundary_is_not_billed_again(november: Books) -> None:
    """An invoice that is billed anew takes what came late for periods after it, and later runs know of that."""
    november.api.clock.to("2026-12-02T00:00:00Z")
    november.billed("2026-12-02T00:00:00Z")
    first = min((one for one in november.invoices() if one["status"] == "open"), key=lambda one: one["boundary"])
    november.use("of November", "2026-11-10T00:00:00Z", "7")
    november.post(first, "void", {"rebill": True})
    [again] = november.billed("2026-12-02T00:00:00Z")
    assert [line[0] for line in lines(again)].count("late_usage") == 1
    november.use("too", "2026-11-11T00:00:00Z", "1")
    november.api.clock.to("2027-01-02T00:00:00Z")
    [january] = november.billed("2027-01-02T00:00:00Z")
    late = [line[1:3] for line in lines(january) if line[0] == "late_usage"]
    assert late == [("calls", "0.10")], lines(january)


def test_after_the_end_it_has_an_invoice_of_its_own(november: Books) -> None:
    """With the last boundary, made and finalised by the next run (rule 25); where there are only credits, none."""
    november.api.made("/v1/subscriptions/main/cancel", {"at": "period_end"})
    november.api.clock.to("2026-12-03T00:00:00Z")
    assert november.billed("2026-12-02T00:00:00Z") == []
    november.use("2", "2026-11-30T23:59:59Z", "3")
    november.use("3", "2026-10-31T12:00:00Z", "2")
    [own] = november.billed("2026-12-02T01:00:00Z")
    assert (own["boundary"], own["status"], own["period"]) == ("2026-12-01T00:00:00Z", "open", None)
    assert late(own) == lines(own) == [
        ("late_usage", "calls", "0.20", "2026-10-01", "2026-11-01"),
        ("late_usage", "calls", "0.30", "2026-11-01", "2026-12-01"),
    ]
    assert november.billed("2026-12-02T02:00:00Z") == []
    november.void_event("1")
    assert november.billed("2026-12-02T03:00:00Z") == []
    [note] = november.api.every("/v1/credit-notes")
    assert note["total"] == "1.00"
    november.use("4", "2026-11-29T00:00:00Z", "1")
    [second] = november.billed("2026-12-02T04:00:00Z")
    assert late(second) == [("late_usage", "calls", "0.10", "2026-11-01", "2026-12-01")]
    november.post(second, "void", {"rebill": True})
    [again] = november.billed("2026-12-02T05:00:00Z")
    assert late(again) == late(second)


def test_what_a_voided_invoice_corrected_comes_again(november: Books) -> None:
    november.use("2", "2026-10-20T00:00:00Z", "5")
    first = december(november)
    november.post(first, "void", {"rebill": True})
    assert lines(december(november)) == lines(first)


def test_a_credit_has_the_discount_and_the_tax_of_its_line(books: Books) -> None:
    """Ten percent off and twenty percent of tax: of a dollar given back, ninety cents and their tax."""
    books.api.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": "20", "country": "AT"})
    books.api.made("/v1/coupons", {"key": "ten", "name": "Ten", "percent": "10", "duration": "once"})
    books.customer_on(
        CALLS, BASE, key="main", starts_at="2026-10-01T00:00:00Z", customer={"address": {"country": "AT"}}
    )
    books.use("1", "2026-10-10T00:00:00Z", "20")
    books.use("2", "2026-10-11T00:00:00Z", "10")
    books.billed("2026-10-02T00:00:00Z")
    books.api.made("/v1/subscriptions/main/coupons", {"coupon": "ten"})
    books.billed("2026-11-02T00:00:00Z")
    books.void_event("2")
    invoice = december(books)
    [line] = [one for one in invoice["lines"] if one["reason"] == "late_usage"]
    assert (line["amount"], line["discount"], line["tax"], line["quantity"]) == ("-0.90", "0.00", "-0.18", "-10")
    books.use("3", "2026-10-12T00:00:00Z", "10")
    books.api.clock.to("2027-01-02T00:00:00Z")
    [january] = books.billed("2027-01-02T00:00:00Z")
    assert late(january) == [("late_usage", "calls", "1.00", "2026-10-01", "2026-11-01")]


def test_a_late_change_of_a_level_corrects_each_closed_period_after_it(books: Books) -> None:
    books.meter("seats", event_type="call", aggregation="weighted_sum")
    books.customer_on(
        CALLS | {"meter": "seats", "unit_amount": "1.00"}, key="main", starts_at="2026-09-01T00:00:00Z"
    )
    books.billed("2026-11-02T00:00:00Z")
    books.use("1", "2026-09-16T00:00:00Z", "2")
    assert lines(december(books)) == [
        ("usage", "calls", "2.00", "2026-11-01", "2026-12-01"),
        ("late_usage", "calls", "1.00", "2026-09-01", "2026-10-01"),
        ("late_usage", "calls", "2.00", "2026-10-01", "2026-11-01"),
    ]


def test_groups_are_corrected_each_by_itself(books: Books) -> None:
    """One that has all its events voided, one that grows, and one that was not there."""
    books.customer_on(CALLS | {"group_by": ["region"]}, key="main", starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", "10", region="eu")
    books.use("2", "2026-10-10T00:00:00Z", "10", region="us")
    [october] = books.billed("2026-11-02T00:00:00Z")
    books.void_event("2")
    books.use("3", "2026-10-11T00:00:00Z", "10", region="eu")
    books.use("4", "2026-10-12T00:00:00Z", "5", region="asia")
    books.use("5", "2026-11-12T00:00:00Z", "50", region="asia")
    corrections = [line for line in december(books)["lines"] if line["reason"] == "late_usage"]
    assert [(line["group"], line["amount"], line["corrects"]["line"]) for line in corrections] == [
        ({"region": "asia"}, "0.50", october["lines"][0]["id"]),
        ({"region": "eu"}, "1.00", october["lines"][0]["id"]),
        ({"region": "us"}, "-1.00", october["lines"][1]["id"]),
    ]


def test_a_late_line_is_explained(november: Books) -> None:
    november.use("2", "2026-10-20T00:00:00Z", "5")
    invoice = december(november)
    answer = november.api.get(f"/v1/invoices/{invoice['id']}/lines/{invoice['lines'][-1]['id']}/explain").json or {}
    assert (answer["exact"], answer["amount"]) == ("0.5", "0.50")
    assert [step["amount"] for step in answer["steps"]] == ["1.5", "-1"]
