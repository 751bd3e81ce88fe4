"""Usage that comes late, and voided events, of periods that are billed (rule 18; T21)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, Books, lines

pytestmark = [pytest.mark.books]


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
