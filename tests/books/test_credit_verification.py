"""`farthing verify` on what was given back: each thing that somebody breaks by hand is named, with its row."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from farthing.billing.balances.models import balance_entries, customer_balances
from farthing.billing.credit_notes.models import credit_note_lines, credit_notes
from farthing.billing.invoices.models import invoices, number_series
from farthing.billing.journal.models import journal_entries, journal_postings
from tests.books.test_constraints import refused, row
from tests.books.test_verification import by_hand, found, of
from tests.service.books import Books
from tests.service.test_credit_notes import credit, pay

pytestmark = [pytest.mark.books, pytest.mark.together]
APPENDED = (credit_notes, credit_note_lines, balance_entries, journal_entries, journal_postings)
Break = Callable[[Connection, str], Any]  # what somebody does to an organisation's rows


@pytest.fixture
def credited(books: Books) -> Books:
    """A paid invoice of 100.00, half of which went to the balance, and one of 80.00 that took it; one written off."""
    books.customer()
    paid = books.one_off("100")
    pay(books, paid, "100")
    credit(books, paid, ["30"])
    credit(books, paid, ["20"])
    books.one_off("80")
    books.post(books.one_off("10"), "write-off")
    return books


def test_a_sound_store_passes(credited: Books) -> None:
    assert all(one.holds for one in found(credited).values())


def _more_on_a_note(connection: Connection, organization: str) -> None:
    mine = of(credit_notes, organization) & (credit_notes.c.number == "CRN-2026-000001")
    connection.execute(update(credit_notes).where(mine).values(subtotal=3100, total=3100, credited=3100))


def _more_on_a_line(connection: Connection, organization: str) -> None:
    connection.execute(update(credit_note_lines).where(of(credit_note_lines, organization)).values(amount=6000))


def _less_set_against_an_invoice(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000002")
    connection.execute(update(invoices).where(mine).values(credit_applied=4000, amount_due=4000))


def _a_refund_forgotten(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000001")
    connection.execute(update(invoices).where(mine).values(amount_paid=9000, credit_applied=1000))


def _a_balance_raised(connection: Connection, organization: str) -> None:
    connection.execute(update(customer_balances).where(of(customer_balances, organization)).values(amount=1))


def _an_entry_lost(connection: Connection, organization: str) -> None:
    mine = of(balance_entries, organization) & (balance_entries.c.kind == "applied")
    connection.execute(delete(balance_entries).where(mine))


def _a_posting_lost(connection: Connection, organization: str) -> None:
    entry = select(journal_entries.c.id).where(of(journal_entries, organization), journal_entries.c.kind == "applied")
    connection.execute(delete(journal_postings).where(journal_postings.c.entry.in_(entry.scalar_subquery())))


def _a_write_off_lost(connection: Connection, organization: str) -> None:
    mine = of(invoices, organization) & (invoices.c.number == "INV-2026-000003")
    connection.execute(update(invoices).where(mine).values(status="void"))


def _a_number_left_out(connection: Connection, organization: str) -> None:
    mine = of(credit_notes, organization) & (credit_notes.c.number == "CRN-2026-000002")
    connection.execute(update(credit_notes).where(mine).values(number="CRN-2026-000003"))


def _a_counter_altered(connection: Connection, organization: str) -> None:
    mine = of(number_series, organization) & (number_series.c.series == "CRN") & (number_series.c.year == 2026)
    connection.execute(update(number_series).where(mine).values(last=3))


def _a_line_of_nobody(connection: Connection, organization: str) -> None:
    first = row(connection, credit_note_lines, organization)
    mine = of(credit_note_lines, organization) & (credit_note_lines.c.credit_note == first["credit_note"])
    connection.execute(update(credit_note_lines).where(mine).values(line="lin_nobody"))


@pytest.mark.parametrize(("check", "named", "words", "deed"), [
    ("I5", "CRN-2026-000001", "is not the sum of its lines", _more_on_a_note),
    ("I5", "lin_", "120.00 USD was given back of a line of 100.00", _more_on_a_line),
    ("I5", "INV-2026-000002", "40.00 USD of credit is set against it, 50.00 was given", _less_set_against_an_invoice),
    ("I5", "INV-2026-000001", "is not the sum of the payments less what was given back", _a_refund_forgotten),
    ("I6", "cus_", "the balance is 0.01 USD, its entries come to 0.00", _a_balance_raised),
    ("I6", "cus_", "the balance is 0.00 USD, its entries come to 50.00", _an_entry_lost),
    ("I6", "cus_", "the balance is 0.00 USD, the journal has 50.00", _a_posting_lost),
    ("I6", "INV-2026-000003", "in bad_debt for it, it should be 0.00", _a_write_off_lost),
    ("I7", "CRN-2026-000003", "comes where CRN-2026-000002 should", _a_number_left_out),
    ("I7", "CRN-2026", "the counter is at 3, the last number is 2", _a_counter_altered),
    ("I12", "crn_", "its line in credit_note_lines is lin_nobody, which is not there", _a_line_of_nobody),
])
def test_what_is_broken_by_hand_is_named(credited: Books, check: str, named: str, words: str, deed: Break) -> None:
    """F26: by the check that is for it."""
    with by_hand(credited, *APPENDED) as connection:
        deed(connection, credited.api.organization)
    broken = found(credited)[check].broken
    assert any(named in one.row and words in one.problem for one in broken), broken
    assert {one.organization for one in broken} == {credited.api.organization}


@pytest.mark.parametrize("table", [credit_notes, credit_note_lines, balance_entries], ids=lambda one: one.name)
def test_what_was_given_back_is_never_altered(credited: Books, table: Table) -> None:
    """Rule 20: the database itself refuses, whoever asks."""
    for change in (update(table).values(organization="org_other"), delete(table)):
        with pytest.raises(DatabaseError, match="append only"):
            with credited.api.farthing.database.write() as connection:
                connection.execute(change.where(of(table, credited.api.organization)))


@pytest.mark.parametrize(("table", "change", "constraint"), [
    (customer_balances, {"customer": "cus_other", "amount": -1}, "customer_balances_amount"),
    (customer_balances, {}, "customer_balances_pk"),
    (balance_entries, {"id": "bal_again"}, "balance_entries_source"),
    (balance_entries, {"id": "bal_again", "source": "other", "amount": 0}, "balance_entries_amount"),
    (balance_entries, {"id": "bal_again", "source": "other", "balance": -1}, "balance_entries_balance"),
    (credit_notes, {"id": "crn_again"}, "credit_notes_number"),
    (credit_notes, {"id": "crn_again", "number": "x", "total": 1, "credited": 1}, "credit_notes_total"),
    (credit_notes, {"id": "crn_again", "number": "x", "applied": 1}, "credit_notes_settled"),
    (credit_notes, {"id": "crn_again", "number": "x", "applied": 3001, "credited": -1}, "credit_notes_parts"),
    (credit_notes, {"id": "crn_again", "number": "x", "refund": "cash"}, "credit_notes_refund"),
    (credit_notes, {"id": "crn_again", "number": "x", "subtotal": 0, "total": 0, "credited": 0}, "credit_notes_sign"),
    (credit_note_lines, {}, "credit_note_lines_pk"),
    (credit_note_lines, {"line": "lin_other", "amount": 0}, "credit_note_lines_sign"),
])
def test_the_database_refuses_what_cannot_be(
    credited: Books, table: Table, change: dict[str, Any], constraint: str
) -> None:
    """I5, I6, I7: by this constraint, and nothing is kept."""
    with refused(credited, constraint) as connection:
        connection.execute(insert(table).values(row(connection, table, credited.api.organization) | change))


def test_a_credit_note_has_its_invoice(credited: Books) -> None:
    with refused(credited) as connection:
        again = row(connection, credit_notes, credited.api.organization)
        again |= {"id": "crn_again", "number": "x", "invoice": "inv_nowhere"}
        connection.execute(insert(credit_notes).values(again))
