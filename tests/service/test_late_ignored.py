"""Meters that ignore late usage: what came after its period was first closed counts for nothing (rule 18)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, Books, lines

pytestmark = [pytest.mark.books]

OCTOBER = "customer=acme&meter=calls&from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z"


@pytest.fixture(autouse=True)
def sound(books: Books) -> Iterator[None]:
    yield
    sound_books(books.api.farthing, books.api.organization)


@pytest.fixture
def strict(books: Books) -> Books:
    """October is billed: ten calls for a dollar; twelve more came late."""
    books.meter(late_usage="ignore")
    books.plan(CALLS, BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", "10")
    books.billed("2026-11-01T12:00:00Z")
    books.use("late", "2026-10-11T00:00:00Z", "12")
    return books


def billed_on(books: Books, day: str) -> list[dict[str, Any]]:
    books.api.clock.to(f"{day}T12:00:00Z")
    return books.billed(f"{day}T12:00:00Z")


def test_a_late_event_is_never_billed_and_is_usage_all_the_same(strict: Books) -> None:
    coming = strict.api.get("/v1/subscriptions/main/upcoming-invoice").json or {}
    assert lines(coming) == [("fee", "base", "10.00", "2026-12-01", "2027-01-01")]
    [december] = billed_on(strict, "2026-12-01")
    assert lines(december) == lines(coming)
    used = strict.api.get(f"/v1/usage?{OCTOBER}&window=none").json or {}
    assert [one["value"] for one in used["data"]] == ["22"]


def test_an_explanation_names_what_was_ignored(strict: Books) -> None:
    """Also in words, and no more than had come when the invoice was made."""
    first = next(one for one in strict.invoices() if one["boundary"] == "2026-11-01T00:00:00Z")
    place = f"/v1/invoices/{first['id']}/lines/{first['lines'][0]['id']}/explain"
    assert "ignored" not in (strict.api.get(place).json or {})
    strict.post(first, "void", {"rebill": True})
    [second] = strict.billed("2026-11-01T12:00:00Z")
    place = f"/v1/invoices/{second['id']}/lines/{second['lines'][0]['id']}/explain"
    ignored = (strict.api.get(place).json or {})["ignored"]
    assert (ignored["count"], [event["id"] for event in ignored["data"]]) == (1, ["late"])
    answer = strict.api.get(place, headers={"Accept": "text/plain"})
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.get_data(as_text=True).splitlines() == [
        "Calls: 1.00 USD", "  calls: the sum of 1 event is 10",
        "  1 event counted for nothing: it came after its period was first closed, and the meter ignores late usage"
        " (rule 18)",
        "  10 at 0.1 each: 10 x 0.1 = 1", "  1 is rounded once, to 2 decimals, half away from zero: 1.00",
    ]


def test_an_event_that_counted_is_given_back_when_it_is_voided(strict: Books) -> None:
    """A void is never ignored; of one that never counted it gives back nothing."""
    strict.void_event("1")
    strict.void_event("late")
    [december] = billed_on(strict, "2026-12-01")
    assert lines(december)[1:] == [("late_usage", "calls", "-1.00", "2026-10-01", "2026-11-01")]
    told = strict.api.get(f"/v1/invoices/{december['id']}/lines/{december['lines'][1]['id']}/explain").json or {}
    assert (told["amount"], told["events"]["data"]) == ("-1.00", [])


def test_billed_anew_it_is_as_it_was_first_closed(strict: Books) -> None:
    """Less what was voided since; and so again, however often."""
    first = next(one for one in strict.invoices() if one["boundary"] == "2026-11-01T00:00:00Z")
    strict.post(first, "void", {"rebill": True})
    strict.use("later", "2026-10-12T00:00:00Z", "100")
    [second] = strict.billed("2026-11-01T12:00:00Z")
    assert lines(second) == lines(first)
    told = strict.api.get(f"/v1/invoices/{second['id']}/lines/{second['lines'][0]['id']}/explain").json or {}
    assert [event["id"] for event in told["events"]["data"]] == ["1"]
    strict.post(second, "void", {"rebill": True})
    strict.void_event("1")
    [third] = strict.billed("2026-11-01T12:00:00Z")
    assert lines(third) == lines(first)[1:]


def test_a_period_without_an_invoice_is_closed_too(books: Books) -> None:
    """By the run that found nothing to bill; what comes before that run still counts."""
    books.meter(late_usage="ignore")
    books.plan(CALLS)
    books.customer()
    books.subscribe(key="main", starts_at="2026-09-01T00:00:00Z")
    assert books.billed("2026-10-01T12:00:00Z") == []
    books.use("september", "2026-09-30T00:00:00Z", "7")
    books.use("october", "2026-10-30T00:00:00Z", "5")
    [november] = billed_on(books, "2026-11-01")
    assert lines(november) == [("usage", "calls", "0.50", "2026-10-01", "2026-11-01")]
    assert billed_on(books, "2026-12-01") == []


def test_after_the_end_nothing_comes(strict: Books) -> None:
    strict.api.made("/v1/subscriptions/main/cancel", {"at": "period_end"})
    assert billed_on(strict, "2026-12-02") == []
    strict.use("2", "2026-11-30T23:59:59Z", "3")
    assert strict.billed("2026-12-02T12:00:00Z") == []
    strict.void_event("1")
    assert strict.billed("2026-12-02T12:00:00Z") == []
    assert [note["total"] for note in strict.api.every("/v1/credit-notes")] == ["1.00"]


def test_a_late_change_of_a_level_is_ignored_by_later_periods_too(books: Books) -> None:
    """It stays ignored; one of before the first period counts until that one is closed."""
    books.meter("seats", aggregation="weighted_sum", late_usage="ignore")
    books.plan(CALLS | {"meter": "seats", "unit_amount": "1.00"})
    books.customer()
    books.subscribe(key="main", starts_at="2026-09-01T00:00:00Z")
    books.use("before", "2026-08-15T00:00:00Z", "1")
    [october] = books.billed("2026-10-01T12:00:00Z")
    books.use("too late", "2026-09-16T00:00:00Z", "2")
    books.use("much too late", "2026-08-16T00:00:00Z", "4")
    books.use("in time", "2026-10-01T00:00:00Z", "8")
    [november] = billed_on(books, "2026-11-01")
    assert [line[1:3] for line in (*lines(october), *lines(november))] == [("calls", "1.00"), ("calls", "9.00")]


def test_a_commitment_counts_what_is_billed(books: Books) -> None:
    """What is ignored reaches no commitment, and makes no true-up smaller."""
    books.meter(late_usage="ignore")
    books.plan(CALLS, minimum_commitment="5.00")
    books.customer()
    books.subscribe(key="main", starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-10T00:00:00Z", "10")
    [november] = books.billed("2026-11-01T12:00:00Z")
    assert [line[2] for line in lines(november)] == ["1.00", "4.00"]
    books.use("late", "2026-10-11T00:00:00Z", "12")
    books.void_event("1")
    [december] = billed_on(books, "2026-12-01")
    assert [(line[0], line[2]) for line in lines(december)] == [
        ("late_usage", "-1.00"), ("commitment", "1.00"), ("commitment", "5.00"),
    ]
