"""Money under many hands at once, under the hands of somebody who breaks it, and from before it could go back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from farthing.app import open_farthing, web_application
from farthing.billing.invoices.models import invoice_payments
from farthing.billing.journal.models import journal_entries, journal_postings
from farthing.kernel.migrate import configuration
from farthing.kernel.settings import load_settings
from farthing.payments.bank_transactions.models import bank_transactions
from farthing.payments.models import payment_refunds
from tests.books.test_races import at_once
from tests.books.test_verification import by_hand, found, of
from tests.oracle import sound_books
from tests.servers import Servers, needs
from tests.service.books import Books
from tests.service.conftest import TestClock, api_of
from tests.service.test_money_on_account import pay, refund, state
from tests.service.test_reconciliations import reconcile, transfer

pytestmark = [pytest.mark.books]


def test_a_transfer_and_a_payment_at_once_never_pay_more_than_is_due(books: Books) -> None:
    """Whichever comes first: the other sees what is due then (T19)."""
    books.customer()
    invoices = [books.one_off("100") for _ in range(4)]
    for invoice in invoices:
        transfer(books, "100.00", invoice["number"])

    def work(number: int) -> int:
        api = books.api.farthing_client()
        if number % 2:
            return api.post("/v1/reconciliations", {"auto": True}).status_code
        body = {"invoice": invoices[number]["id"], "amount": "100.00", "currency": "USD", "method": "card"}
        return api.post("/v1/payments", body).status_code

    assert set(at_once(4, work)) <= {201, 409}
    assert {state(books, invoice) for invoice in invoices} == {("paid", "100.00", "0.00")}
    sound_books(books.api.farthing, books.api.organization)


def test_undoing_and_refunding_at_once_give_back_once(books: Books) -> None:
    books.customer()
    invoice = books.one_off("100")
    transfer(books, "100.00", invoice["number"])
    done = reconcile(books, auto=True)
    [payment] = books.api.every("/v1/payments")
    paths = [f"/v1/reconciliations/{done['id']}/undo", f"/v1/payments/{payment['id']}/refund"] * 2
    answers = at_once(4, lambda number: books.api.farthing_client().post(paths[number]).status_code)
    assert sorted(answers) == [200, 409, 409, 409]
    assert state(books, invoice) == ("open", "0.00", "100.00")
    sound_books(books.api.farthing, books.api.organization)


def test_what_came_in_for_a_written_off_invoice_goes_back_too(books: Books) -> None:
    """From bad debt while it is written off, and owed again once it was paid (rule 22)."""
    books.customer()
    invoice = books.one_off("100")
    books.post(invoice, "write-off")
    part = pay(books, "40.00", invoice=invoice["id"])
    refund(books, part, amount="10")
    assert state(books, invoice) == ("uncollectible", "30.00", "70.00")
    sound_books(books.api.farthing, books.api.organization)
    rest = pay(books, "75.00", invoice=invoice["id"])
    assert state(books, invoice)[0] == "paid"
    refund(books, rest)
    assert state(books, invoice) == ("open", "30.00", "70.00")
    sound_books(books.api.farthing, books.api.organization)


@pytest.fixture
def company(books: Books) -> Books:
    """A transfer matched with an invoice, and money on account of which some went back."""
    books.customer()
    transfer(books, "100.00", books.one_off("100")["number"])
    reconcile(books, auto=True)
    refund(books, pay(books, "70.00", customer="acme"), amount="20.00")
    return books


def _a_posting_lost(connection: Connection, organization: str) -> None:
    entry = select(journal_entries.c.id).where(of(journal_entries, organization), journal_entries.c.kind == "refund")
    connection.execute(delete(journal_postings).where(journal_postings.c.entry.in_(entry.scalar_subquery())))


def _a_refund_lost(connection: Connection, organization: str) -> None:
    connection.execute(delete(payment_refunds).where(of(payment_refunds, organization)))


def _less_on_an_invoice(connection: Connection, organization: str) -> None:
    connection.execute(update(invoice_payments).where(of(invoice_payments, organization)).values(refunded=1000))


def _a_match_forgotten(connection: Connection, organization: str) -> None:
    values = {"status": "unmatched", "reconciliation": None}
    connection.execute(update(bank_transactions).where(of(bank_transactions, organization)).values(**values))


@pytest.mark.together
@pytest.mark.parametrize(("named", "words", "deed"), [
    ("pay_", "50.00 USD is left of it, the journal has 70.00", _a_posting_lost),
    ("pay_", "20.00 USD was given back, its refunds are 0.00", _a_refund_lost),
    ("pay_", "100.00 USD of it is on its invoice, which shows 90.00", _less_on_an_invoice),
    ("btx_", "is unmatched, and its payments come to 100.00 USD, they should to 0.00", _a_match_forgotten),
])
def test_what_is_broken_by_hand_is_named(
    company: Books, named: str, words: str, deed: Callable[[Connection, str], Any]
) -> None:
    """F26: by I6, of which the sound store has nothing to say."""
    assert all(one.holds for one in found(company).values())
    with by_hand(company, journal_entries, journal_postings) as connection:
        deed(connection, company.api.organization)
    told = [(one.row, one.problem) for one in found(company)["I6"].broken]
    assert any(row.startswith(named) and words in problem for row, problem in told), told


@pytest.mark.together
def test_payments_from_before_are_whole(engine: str, servers: Servers, clock: TestClock, tmp_path: Path) -> None:
    """What was paid for an invoice then is on it, and can be given back now."""
    from alembic import command

    settings = load_settings({}, home=str(tmp_path), log_level="error", database_url=needs(engine, servers))
    farthing = open_farthing(settings, clock)
    books = Books(api_of(farthing, web_application(farthing).test_client(), clock))
    books.customer()
    made = pay(books, "40.00", invoice=books.one_off("100")["id"], reference="r1")
    for step, to in ((command.downgrade, "0018_bank_transactions"), (command.upgrade, "head")):
        with farthing.database.write() as connection:
            step(configuration(connection), to)
    assert books.api.every("/v1/payments") == [made]
    body = {"invoice": made["invoice"], "amount": "40", "currency": "USD", "method": "wire", "reference": "r1"}
    assert books.api.post("/v1/payments", body).json == made
    assert refund(books, made)["status"] == "refunded"
    sound_books(farthing, books.api.organization)
    farthing.close()
