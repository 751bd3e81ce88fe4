"""Minimum commitments: what is missing at the end of a plan period is one line more (rules 9, 13, 18 and 25)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, Books, lines

pytestmark = [pytest.mark.books]


@pytest.fixture
def committed(books: Books) -> Books:
    """A plan with ten a month in advance, calls at ten cents, and at least a hundred a month."""
    books.meter()
    books.plan(BASE, CALLS, minimum_commitment="100.00")
    books.customer()
    return books


def true_ups(books: Books) -> list[tuple[str, str, str]]:
    """The amounts and days of all lines that commitments made, on invoices that stand."""
    standing = [one for one in books.invoices() if one["status"] != "void"]
    return [(line[2], line[3], line[4]) for one in standing for line in lines(one) if line[0] == "commitment"]


def billed(books: Books, day: str) -> list[dict[str, Any]]:
    books.api.clock.to(f"{day}T12:00:00Z")
    return books.billed(f"{day}T12:00:00Z")


def change(books: Books, verb: str = "change", **body: Any) -> Mapping[str, Any]:
    return books.api.made(f"/v1/subscriptions/main/{verb}", body)


def test_what_is_missing_is_one_line_more(committed: Books) -> None:
    """At the end of the plan period, with the fee that was paid in advance and the usage (rule 9)."""
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    committed.use("1", "2026-11-10T00:00:00Z", "50")
    billed(committed, "2026-11-20")
    [invoice] = billed(committed, "2026-12-02")
    assert lines(invoice) == [
        ("usage", "calls", "5.00", "2026-11-01", "2026-12-01"),
        ("fee", "base", "10.00", "2026-12-01", "2027-01-01"),
        ("commitment", None, "85.00", "2026-11-01", "2026-12-01"),
    ]
    line = invoice["lines"][2]
    assert (line["quantity"], line["unit_amount"], line["description"]) == ("1", None, "Minimum commitment")
    assert invoice["total"] == "100.00"
    assert invoice["period"] == {"from": "2026-11-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}


def test_reaching_it_adds_nothing(committed: Books) -> None:
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    committed.use("1", "2026-11-10T00:00:00Z", "900")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == []


def test_many_periods_at_once_see_each_others_lines(committed: Books) -> None:
    """A run that makes up for months bills them in one go: each month has its own fee and usage."""
    committed.subscribe(key="main", starts_at="2026-08-01T00:00:00Z")
    committed.use("1", "2026-09-10T00:00:00Z", "500")
    committed.billed("2026-11-20T00:00:00Z")
    assert true_ups(committed) == [
        ("90.00", "2026-08-01", "2026-09-01"), ("40.00", "2026-09-01", "2026-10-01"),
        ("90.00", "2026-10-01", "2026-11-01"),
    ]
