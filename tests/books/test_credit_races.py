"""Many at once at what was paid: a line is given back once, and a balance is spent once (rules 19 to 22; T18)."""

from decimal import Decimal
from typing import Any

import pytest

from farthing.billing.journal.releasing import Releases
from tests.books.test_races import at_once
from tests.oracle import sound_books
from tests.service.books import BASE, Books
from tests.service.test_balances import balance
from tests.service.test_credit_notes import body, credit, pay

pytestmark = pytest.mark.books


@pytest.fixture
def invoice(books: Books) -> dict[str, Any]:
    """An open invoice of 100.00 USD, of which 60.00 is paid."""
    books.customer()
    found = books.one_off("100")
    pay(books, found, "60")
    return found


def asked(books: Books, path: str, said: Any = None) -> tuple[int, str]:
    """The status and the detail of a POST over a connection of its own."""
    answer = books.api.farthing_client().post(path, said)
    return answer.status_code, (answer.json or {}).get("detail", "")


@pytest.mark.parametrize(("what", "refusal"), [("all", 409), (["100"], 422)])
def test_a_whole_line_is_given_back_once(books: Books, invoice: dict[str, Any], what: Any, refusal: int) -> None:
    """T18: one 201, the others refused, and nothing is counted twice."""
    answers = at_once(4, lambda _: asked(books, "/v1/credit-notes", body(invoice, what)))
    assert sorted(status for status, _ in answers) == [201, refusal, refusal, refusal]
    [note] = books.api.every("/v1/credit-notes")
    assert (note["number"], note["applied"], note["credited"]) == ("CRN-2026-000001", "40.00", "60.00")
    assert balance(books)[0]["amount"] == "60.00"
    sound_books(books.api.farthing, books.api.organization)


def test_parts_given_back_at_once_never_exceed_the_line(books: Books, invoice: dict[str, Any]) -> None:
    """T18; and their numbers leave no gap (rule 21)."""
    answers = at_once(8, lambda _: asked(books, "/v1/credit-notes", body(invoice, ["15"])))
    assert sorted(status for status, _ in answers) == [201] * 6 + [422] * 2
    notes = books.api.every("/v1/credit-notes")
    assert sorted(one["number"] for one in notes) == [f"CRN-2026-{number:06}" for number in range(1, 7)]
    sound_books(books.api.farthing, books.api.organization)


def test_a_balance_is_spent_once(books: Books, invoice: dict[str, Any]) -> None:
    """Rule 19: whatever is finalised at the same time."""
    credit(books, invoice)
    drafts = [books.one_off("25", finalize=False) for _ in range(6)]
    answers = at_once(6, lambda place: asked(books, f"/v1/invoices/{drafts[place]['id']}/finalize"))
    assert {status for status, _ in answers} == {200}
    found = [one for one in books.invoices() if one["id"] != invoice["id"]]
    assert sum(Decimal(one["credit_applied"]) for one in found) == Decimal("60.00")
    assert sorted(one["credit_applied"] for one in found) == ["0.00"] * 3 + ["10.00", "25.00", "25.00"]
    assert balance(books)[0]["amount"] == "0.00"
    sound_books(books.api.farthing, books.api.organization)


def test_runs_and_people_spend_a_balance_once(books: Books, invoice: dict[str, Any]) -> None:
    """Also while more is given back: nobody waits for another in a circle."""
    credit(books, invoice, ["60"])
    books.plan(BASE)
    for _ in range(4):
        books.subscribe()
    drafts = [books.one_off("7", finalize=False) for _ in range(4)]

    def work(place: int) -> int:
        if place == 8:
            Books(books.api.farthing_client()).run("2026-11-20T00:00:00Z")
            return 200
        if place > 3:
            return asked(books, "/v1/credit-notes", body(invoice, ["5"]))[0]
        return asked(books, f"/v1/invoices/{drafts[place]['id']}/finalize")[0]

    assert at_once(9, work) == [200] * 4 + [201] * 4 + [200]
    taken = sum(Decimal(one["credit_applied"]) for one in books.invoices() if one["id"] != invoice["id"])
    left = Decimal(balance(books)[0]["amount"])
    assert taken + left == Decimal("40.00")
    sound_books(books.api.farthing, books.api.organization)


def test_an_invoice_is_credited_or_voided(books: Books) -> None:
    """Rule 20: whoever comes first; and paid or written off likewise."""
    books.customer()
    found = books.one_off("100")
    path = f"/v1/invoices/{found['id']}/"
    asks = [("/v1/credit-notes", body(found)), (path + "void", None)] * 2
    answers = at_once(4, lambda place: asked(books, *asks[place]))
    assert [status for status, _ in answers if status < 400] in ([200], [201])
    assert {status for status, _ in answers if status >= 400} == {409}
    sound_books(books.api.farthing, books.api.organization)


def test_what_is_credited_is_not_released_at_the_same_time(books: Books) -> None:
    """Rule 22: a month is released, or not at all."""
    books.customer_on(BASE, plan={"interval": "year"}, starts_at="2026-11-01T00:00:00Z", anchor="anniversary")
    [found] = books.billed("2026-11-20T00:00:00Z")
    books.api.clock.to("2027-03-01T00:00:00Z")

    def work(place: int) -> None:
        if place < 2:
            asked(books, "/v1/credit-notes", body(found, ["4"]))
        elif hasattr(books.api.farthing, "database"):
            books.api.farthing[Releases].release_all()

    at_once(4, work)
    books.api.clock.to("2028-03-01T00:00:00Z")
    credit(books, found)
    books.api.farthing[Releases].release_all()
    sound_books(books.api.farthing, books.api.organization)
