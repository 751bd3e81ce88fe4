"""I5 and I6 of what was given back: credit notes, and the balances of customers."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Subquery, case, func, literal, select

from farthing.billing.balances.models import balance_entries, customer_balances
from farthing.billing.balances.values import APPLIED, RELEASED, Place
from farthing.billing.credit_notes.models import credit_note_lines, credit_notes
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import DRAFT, VOID
from farthing.billing.journal.models import journal_entries, journal_postings
from farthing.billing.wallets.models import credit_uses, top_ups
from farthing.billing.wallets.values import PAID
from farthing.catalog.tax_rates.models import tax_rates
from farthing.pricing.arithmetic import from_minor
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account
from farthing.verification.values import Broken

note, noted, line, invoice = credit_notes.c, credit_note_lines.c, invoice_lines.c, invoices.c
use = credit_uses.c
entry, posting, change, balance = journal_entries.c, journal_postings.c, balance_entries.c, customer_balances.c


def credit_notes_hold(connection: Connection, organization: str) -> Iterator[Broken]:
    """I5: a credit note is the sum of its lines, and no line gave back more than it had (rule 20)."""
    lines = _by(credit_note_lines, organization, "credit_note", amount=noted.amount, tax=noted.tax)
    query = select(note.number).outerjoin(lines, lines.c.credit_note == note.id).where(
        note.organization == organization,
        (func.coalesce(lines.c.amount, 0) != note.subtotal) | (func.coalesce(lines.c.tax, 0) != note.tax_total),
    )
    for number in connection.execute(query).scalars():
        yield Broken(organization, number, "the credit note is not the sum of its lines")
    yield from _given_back(connection, organization)


def _given_back(connection: Connection, organization: str) -> Iterator[Broken]:
    """Lines of which credit notes and negative lines of later invoices that stand took more than they had.

    With tax in the price, that is more with the tax: other invoices part it from the net by their own rounding.
    """
    credited = _by(credit_note_lines, organization, "line", amount=noted.amount, tax=noted.tax)
    corrected = _corrected(organization)
    gone = func.coalesce(credited.c.amount, 0) + func.coalesce(corrected.c.amount, 0)
    tax_gone = func.coalesce(credited.c.tax, 0) + func.coalesce(corrected.c.tax, 0)
    query = (
        select(line.id, invoice.currency, line.amount - line.discount, gone, line.tax, tax_gone, line.tax_rates)
        .join(invoices, invoice.id == line.invoice)
        .outerjoin(credited, credited.c.line == line.id).outerjoin(corrected, corrected.c.line == line.id)
        .where(
            line.organization == organization, gone > 0,
            (gone > line.amount - line.discount) | (func.coalesce(credited.c.tax, 0) > line.tax),
        )
    )
    within = set(connection.execute(select(tax_rates.c.id).where(tax_rates.c.inclusive.is_(True))).scalars())
    for id, code, had, given, tax, tax_given, rates in connection.execute(query):
        if not within.intersection(rates or ()) or given + tax_given > had + tax:
            unit = currency(code)
            told = f"{from_minor(int(given), unit)} {code} was given back of a line of {from_minor(int(had), unit)}"
            yield Broken(organization, id, told)


def _corrected(organization: str) -> Subquery:
    """What negative lines of invoices that stand took of the lines that they correct."""
    correcting, standing = invoice_lines.alias("correcting"), invoices.alias("standing")
    net = correcting.c.amount - correcting.c.discount
    sums = func.sum(-net).label("amount"), func.sum(-correcting.c.tax).label("tax")
    return (
        select(correcting.c.corrects_line.label("line"), *sums)
        .join(standing, standing.c.id == correcting.c.invoice)
        .where(correcting.c.organization == organization, net < 0, standing.c.status.not_in((VOID, DRAFT)))
        .group_by(correcting.c.corrects_line).subquery()
    )


def credit_applied_holds(connection: Connection, organization: str) -> Iterator[Broken]:
    """I5: what is set against an invoice is what it took from its customer's balance and of paid credit, and its
    credit notes."""
    noted_on = _by(credit_notes, organization, "invoice", amount=note.applied + note.refunded)
    taken = (
        select(change.invoice, func.sum(-change.amount).label("amount"))
        .where(change.organization == organization, change.kind.in_((APPLIED, RELEASED)))
        .group_by(change.invoice).subquery()
    )
    prepaid = paid_uses(organization)
    parts = (noted_on, taken, prepaid)
    made_of = sum((func.coalesce(each.c.amount, 0) for each in parts), literal(0))
    query = (
        select(invoice.number, invoice.id, invoice.currency, invoice.credit_applied, made_of)
        .outerjoin(noted_on, noted_on.c.invoice == invoice.id).outerjoin(taken, taken.c.invoice == invoice.id)
        .outerjoin(prepaid, prepaid.c.invoice == invoice.id)
        .where(invoice.organization == organization, invoice.credit_applied != made_of)
    )
    for number, id, code, said, found in connection.execute(query):
        unit = currency(code)
        told = f"{from_minor(said, unit)} {code} of credit is set against it, {from_minor(int(found), unit)} was given"
        yield Broken(organization, number or id, told)


def paid_uses(organization: str) -> Subquery:
    """What invoices that stand took of paid credit."""
    return (
        select(use.invoice, func.sum(use.amount).label("amount"))
        .join(top_ups, top_ups.c.id == use.top_up).join(invoices, invoice.id == use.invoice)
        .where(use.organization == organization, top_ups.c.kind == PAID, invoice.status != VOID)
        .group_by(use.invoice).subquery()
    )


def balances_hold(connection: Connection, organization: str) -> Iterator[Broken]:
    """I6: a balance is the sum of its entries, and what the journal has in customer credit for its customer."""
    said = _places(connection.execute(
        select(balance.customer, balance.currency, balance.amount).where(balance.organization == organization)
    ))
    entries = _places(connection.execute(
        select(change.customer, change.currency, func.sum(change.amount))
        .where(change.organization == organization).group_by(change.customer, change.currency)
    ))
    account = Account.CUSTOMER_CREDIT.value
    owed = case((posting.credit == account, posting.amount), else_=-posting.amount)
    posted = _places(connection.execute(
        select(entry.customer, entry.currency, func.sum(owed)).join(journal_postings, posting.entry == entry.id)
        .where(entry.organization == organization, (posting.debit == account) | (posting.credit == account))
        .group_by(entry.customer, entry.currency)
    ))
    for place in sorted(said.keys() | entries.keys() | posted.keys()):
        shown, (customer, code) = said.get(place, 0), place
        for found, where in ((entries, "its entries come to"), (posted, "the journal has")):
            if found.get(place, 0) != shown:
                unit = currency(code)
                other = from_minor(found.get(place, 0), unit)
                told = f"the balance is {from_minor(shown, unit)} {code}, {where} {other}"
                yield Broken(organization, customer, told)


def _places(rows: Any) -> Mapping[Place, int]:  # Any: rows of a customer, a currency and a sum
    return {(customer, code): int(amount) for customer, code, amount in rows}


def _by(table: Any, organization: str, column: str, **sums: Any) -> Subquery:  # Any: a table, and its columns
    """Sums of a table's rows by one of its columns."""
    wanted = [func.sum(value).label(name) for name, value in sums.items()]
    query = select(table.c[column], *wanted).where(table.c.organization == organization)
    return query.group_by(table.c[column]).subquery()
