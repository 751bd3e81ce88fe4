"""I6: credit of wallets, in the journal, in top-ups and on invoices."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from sqlalchemy import Connection, case, func, select

from farthing.app import Farthing
from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.values import DRAFT, VOID, Invoice
from farthing.billing.journal.models import journal_entries, journal_postings
from farthing.billing.wallets.models import credit_uses, top_ups
from farthing.billing.wallets.values import GRANTED, PAID
from farthing.pricing.arithmetic import ZERO, exactly, from_minor
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account
from farthing.verification.reading import every_invoice
from farthing.verification.values import Broken, organizations_in

CHUNK = 500
entry, posting, top_up, use, invoice = (
    journal_entries.c, journal_postings.c, top_ups.c, credit_uses.c, invoices.c,
)


def wallets_hold(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I6: for each customer, prepaid credit in the journal is what remains of paid top-ups; each top-up is what
    remains, what expired and what standing invoices took; and they took the granted credit that they show."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, journal_entries, organizations):
            yield from _prepaid(connection, organization)
        for organization in organizations_in(connection, top_ups, organizations):
            yield from _top_ups(connection, organization)
        issued = (one for one in every_invoice(connection, organizations) if one.status not in (DRAFT, VOID))
        while chunk := list(islice(issued, CHUNK)):
            yield from _granted(connection, chunk)


def _prepaid(connection: Connection, organization: str) -> Iterator[Broken]:
    account = Account.PREPAID_CREDIT.value
    moved = case((posting.credit == account, posting.amount), else_=-posting.amount)
    booked = (
        select(entry.customer, entry.currency, func.sum(moved))
        .join(journal_postings, posting.entry == entry.id)
        .where(entry.organization == organization, (posting.debit == account) | (posting.credit == account))
        .group_by(entry.customer, entry.currency)
    )
    remaining = (
        select(top_up.customer, top_up.currency, func.sum(top_up.remaining))
        .where(top_up.organization == organization, top_up.kind == PAID).group_by(top_up.customer, top_up.currency)
    )
    found = {(customer, code): int(amount) for customer, code, amount in connection.execute(booked)}
    wanted = {(customer, code): int(amount) for customer, code, amount in connection.execute(remaining)}
    for place in sorted(found.keys() | wanted.keys()):
        one, other = found.get(place, 0), wanted.get(place, 0)
        if one != other:
            unit = currency(place[1])
            told = f"the journal has {from_minor(one, unit)} {unit.code} of prepaid credit"
            yield Broken(organization, place[0], f"{told}, {from_minor(other, unit)} remains of what was paid")


def _top_ups(connection: Connection, organization: str) -> Iterator[Broken]:
    standing = (
        select(use.top_up, func.sum(use.amount).label("used"))
        .join(invoices, invoice.id == use.invoice)
        .where(use.organization == organization, invoice.status != VOID).group_by(use.top_up)
    ).subquery()
    used = func.coalesce(standing.c.used, 0)
    query = (
        select(top_up.id, top_up.amount, top_up.remaining, top_up.expired, used)
        .outerjoin(standing, standing.c.top_up == top_up.id)
        .where(top_up.organization == organization, top_up.amount != top_up.remaining + top_up.expired + used)
    )
    for id, amount, remaining, expired, taken in connection.execute(query):
        parts = f"{remaining} remaining, {expired} expired and {taken} used"
        yield Broken(organization, id, f"is {amount} in minor units, but {parts} of it are known")


def _granted(connection: Connection, chunk: Sequence[Invoice]) -> Iterator[Broken]:
    """Invoices that show another discount by granted credit than they took of it."""
    query = (
        select(use.invoice, func.sum(use.amount)).join(top_ups, top_up.id == use.top_up)
        .where(use.invoice.in_([one.id for one in chunk]), top_up.kind == GRANTED).group_by(use.invoice)
    )
    taken = {id: int(amount) for id, amount in connection.execute(query)}
    for one in chunk:
        unit = currency(one.currency)
        found: Decimal = from_minor(taken.get(one.id, 0), unit)
        with exactly():
            different = found - one.granted_credit != ZERO
        if different:
            problem = f"shows {one.granted_credit} of granted credit, and took {found}"
            yield Broken(one.organization, one.number or one.id, problem)
