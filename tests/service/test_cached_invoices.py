"""Reads of an invoice are kept and never older than a write that was acknowledged (I11)."""

from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from farthing.app import open_farthing, web_application
from tests.service.books import CALLS, Books
from tests.service.conftest import Api, TestClock

pytestmark = pytest.mark.books
HIT, MISS = "farthing; hit", "farthing; fwd=miss"


def read(api: Api, reference: str, **headers: str) -> TestResponse:
    return api.get(f"/v1/invoices/{reference}", headers=headers)


def status(api: Api, reference: str) -> tuple[str, str]:
    """How the cache answered, and the invoice's status."""
    answer = read(api, reference)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.headers["Cache-Status"], (answer.json or {})["status"]


def pay(api: Api, invoice: str, amount: str) -> None:
    api.made("/v1/payments", {"invoice": invoice, "amount": amount, "currency": "USD", "method": "wire"})


@pytest.fixture
def invoice(books: Books) -> str:
    """The id of an open invoice over 30.00 USD."""
    books.customer()
    return str(books.one_off("30.00")["id"])


@pytest.fixture
def elsewhere(api: Api, clock: TestClock) -> Iterator[Api]:
    """The same caller at another process on the same store, with a memory of its own."""
    farthing = open_farthing(api.farthing.settings, clock)
    yield Api(farthing, web_application(farthing).test_client(), api.organization, api.secret, clock)
    farthing.close()


def test_the_second_read_is_kept_and_a_payment_ends_it(api: Api, invoice: str) -> None:
    assert [status(api, invoice) for _ in range(3)] == [(MISS, "open"), (HIT, "open"), (HIT, "open")]
    pay(api, invoice, "30.00")
    assert [status(api, invoice) for _ in range(2)] == [(MISS, "paid"), (HIT, "paid")]


def test_a_kept_answer_is_the_answer(api: Api, invoice: str) -> None:
    first, second = read(api, invoice), read(api, invoice)
    assert second.get_data() == first.get_data()
    assert second.json == api.every("/v1/invoices")[0]
    own = ("X-Request-ID", "Cache-Status", "Date")
    assert [line for line in first.headers if line[0] not in own] == [
        line for line in second.headers if line[0] not in own
    ]


def test_who_has_the_version_is_told_so_by_304(api: Api, invoice: str) -> None:
    tag = read(api, invoice).headers["ETag"]
    same = read(api, invoice, **{"If-None-Match": tag})
    assert (same.status_code, same.get_data(), same.headers["Cache-Status"]) == (304, b"", HIT)
    pay(api, invoice, "1.00")
    changed = read(api, invoice, **{"If-None-Match": tag})
    assert (changed.status_code, changed.headers["Cache-Status"]) == (200, MISS)


def test_a_number_finds_what_the_id_found(api: Api, invoice: str) -> None:
    number = (read(api, invoice).json or {})["number"]
    assert [status(api, number) for _ in range(2)] == [(HIT, "open")] * 2
    pay(api, invoice, "30.00")
    assert status(api, number) == (MISS, "paid")


def test_every_change_ends_it(books: Books) -> None:
    """Changed, finalised, voided, deleted: each is seen by the very next read."""
    books.customer()
    api, draft = books.api, books.one_off("30.00", finalize=False)["id"]
    status(api, draft)
    assert api.patch(f"/v1/invoices/{draft}", {"due_at": "2027-01-01T00:00:00Z"}).status_code == 200
    assert (read(api, draft).json or {})["due_at"] == "2027-01-01T00:00:00Z"
    api.made(f"/v1/invoices/{draft}/finalize", {})
    assert status(api, draft) == (MISS, "open")
    api.made(f"/v1/invoices/{draft}/void", {})
    assert status(api, draft) == (MISS, "void")
    other = books.one_off("1.00", finalize=False)["id"]
    status(api, other)
    assert api.delete(f"/v1/invoices/{other}").status_code == 204
    assert read(api, other).status_code == 404


def test_a_write_that_was_refused_ends_nothing(api: Api, invoice: str) -> None:
    status(api, invoice)
    wrong = {"invoice": invoice, "amount": "1.00", "currency": "EUR", "method": "wire"}
    assert api.post("/v1/payments", wrong).status_code == 422
    assert status(api, invoice) == (HIT, "open")


@pytest.mark.together
def test_what_another_process_acknowledged_is_seen(api: Api, elsewhere: Api, invoice: str) -> None:
    for writer, reader, paid in ((api, elsewhere, "10.00"), (elsewhere, api, "20.00")):
        status(reader, invoice)
        pay(writer, invoice, "10.00")
        assert (read(reader, invoice).json or {})["amount_paid"] == paid


def test_a_kept_answer_is_its_owners_only(api: Api, invoice: str) -> None:
    """T44, T46: also through the cache."""
    number = (read(api, invoice).json or {})["number"]
    for reference in (invoice, number):
        status(api, reference)
        assert read(api.stranger(), reference).status_code == 404
        assert read(api.with_scopes("ingest"), reference).status_code == 403


def test_a_bill_runs_drafts_are_seen_as_they_become(books: Books) -> None:
    """A draft that a run rates anew, and one that it finalises."""
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", "10")
    seen = []
    for as_of, more in (("2026-11-01T00:00:00Z", "2"), ("2026-11-01T00:30:00Z", "3"), ("2026-11-20T00:00:00Z", "4")):
        books.run(as_of)
        [invoice] = books.invoices(customer="acme")
        assert read(books.api, invoice["id"]).json == invoice
        seen.append((invoice["status"], invoice["total"]))
        books.use(more, "2026-10-08T12:00:00Z", "10")
    assert seen == [("draft", "1.00"), ("draft", "2.00"), ("open", "3.00")]
