"""The journal over a real store: written with what happens, released once, and the same as what is owed (rule 22)."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from farthing.billing.journal.releasing import Releases
from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import JournalEntry
from farthing.pricing.posting import balances
from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, SUPPORT, Books

pytestmark = pytest.mark.books


def entries(books: Books) -> list[JournalEntry]:
    with books.api.farthing.database.read() as connection:
        return JournalStore(connection).page(books.api.organization, None, None, ("", ""), 500)


def kinds(books: Books) -> list[tuple[str, str, dict[str, str]]]:
    """The entries in short: kind, day, and how each account changed."""
    return [(one.kind, one.day.isoformat(), changes(one)) for one in entries(books)]


def changes(entry: JournalEntry) -> dict[str, str]:
    return {account.value: str(amount) for account, amount in balances(entry.postings).items()}


def accounts(books: Books) -> dict[str, Decimal]:
    """How all accounts stand."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for one in entries(books):
        for account, amount in balances(one.postings).items():
            found[account.value] += amount
    return {account: amount for account, amount in found.items() if amount}


def release(books: Books) -> int:
    return books.api.farthing[Releases].release_all()


def pay(books: Books, invoice: dict[str, Any], amount: str) -> None:
    body = {"invoice": invoice["id"], "amount": amount, "currency": "USD", "method": "wire"}
    books.api.made("/v1/payments", body)


def test_finalizing_and_paying_write_an_entry_each(books: Books) -> None:
    """Rule 22, for an invoice that somebody wrote."""
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice, "40.00")
    assert kinds(books) == [
        ("invoice", "2026-11-20", {"receivables": "100.00", "revenue": "-100.00"}),
        ("payment", "2026-11-20", {"receivables": "-40.00", "cash": "40.00"}),
    ]
    assert accounts(books)["receivables"] == Decimal("60.00")
    sound_books(books.api.farthing, books.api.organization)


def test_a_draft_and_an_invoice_of_nothing_write_none(books: Books) -> None:
    books.customer()
    books.one_off("100", finalize=False)
    books.one_off("0")
    assert kinds(books) == []
    sound_books(books.api.farthing, books.api.organization)


def test_a_fee_in_advance_is_released_once_its_month_is_over(books: Books) -> None:
    """Rule 22: 30.00 for November in Tokyo, issued on the 20th there; ten days are left of it."""
    books.customer_on(
        BASE | {"amount": "30.00"}, customer={"timezone": "Asia/Tokyo"}, starts_at="2026-11-01T00:00:00+09:00"
    )
    books.run("2026-11-20T00:00:00Z")
    assert kinds(books) == [
        ("invoice", "2026-11-20", {"receivables": "30.00", "deferred_revenue": "-10.00", "revenue": "-20.00"}),
    ]
    books.api.clock.to("2026-11-30T14:59:59Z")
    release(books)
    assert len(entries(books)) == 1
    books.api.clock.to("2026-11-30T15:00:00Z")
    release(books)
    release(books)
    assert kinds(books)[1:] == [("release", "2026-11-30", {"deferred_revenue": "10.00", "revenue": "-10.00"})]
    sound_books(books.api.farthing, books.api.organization)


def test_many_release_at_once_and_each_month_is_released_once(books: Books) -> None:
    """Rule 22: an entry a month, whoever comes first."""
    books.customer_on(BASE, plan={"interval": "year"}, starts_at="2026-11-01T00:00:00Z", anchor="anniversary")
    books.run("2026-11-20T00:00:00Z")
    books.api.clock.to("2027-03-01T00:00:00Z")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: release(books), range(4)))
    days = [one.day.isoformat() for one in entries(books) if one.kind == "release"]
    assert days == ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"]
    sound_books(books.api.farthing, books.api.organization)


def test_voiding_takes_back_what_was_posted_and_released(books: Books) -> None:
    """Rules 20 and 22: nothing is left, and nothing is released any more."""
    books.customer_on(BASE, plan={"interval": "year"}, starts_at="2026-11-01T00:00:00Z", anchor="anniversary")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    books.api.clock.to("2026-12-20T00:00:00Z")
    release(books)
    books.post(invoice, "void", {"rebill": False})
    assert [one.kind for one in entries(books)] == ["invoice", "release", "void"]
    assert accounts(books) == {}
    books.api.clock.to("2028-01-01T00:00:00Z")
    release(books)
    assert accounts(books) == {}
    sound_books(books.api.farthing, books.api.organization)


def test_a_bill_run_writes_an_entry_for_each_invoice_and_releases_first(books: Books) -> None:
    books.customer_on(BASE, SUPPORT, CALLS, starts_at="2026-11-01T00:00:00Z")
    books.use("u1", "2026-11-07T12:00:00Z", "7")
    books.run("2026-11-20T00:00:00Z")
    books.api.clock.to("2026-12-02T00:00:00Z")
    books.run("2026-12-02T00:00:00Z")
    assert [(kind, day) for kind, day, _ in kinds(books)] == [
        ("invoice", "2026-11-20"), ("release", "2026-11-30"), ("invoice", "2026-12-02"),
    ]
    assert accounts(books) == {
        "receivables": Decimal("25.70"), "revenue": Decimal("-16.35"), "deferred_revenue": Decimal("-9.35"),
    }
    sound_books(books.api.farthing, books.api.organization)


def test_a_repeated_payment_is_one_entry(books: Books) -> None:
    """T19: by its reference."""
    books.customer()
    invoice = books.one_off("100")
    body = {"invoice": invoice["id"], "amount": "40.00", "currency": "USD", "method": "wire", "reference": "r1"}
    assert [books.api.post("/v1/payments", body).status_code for _ in range(2)] == [201, 200]
    assert [one.kind for one in entries(books)] == ["invoice", "payment"]
