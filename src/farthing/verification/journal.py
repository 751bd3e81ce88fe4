"""I6: the journal."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, case, func, select

from farthing.app import Farthing
from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.values import OPEN, UNCOLLECTIBLE
from farthing.billing.journal.models import journal_entries, journal_postings, journal_releases
from farthing.pricing.arithmetic import from_minor
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account
from farthing.verification.credit import balances_hold
from farthing.verification.money import money_holds
from farthing.verification.values import Broken, organizations_in
from farthing.verification.wallets import wallets_hold

entry, posting, invoice, release = journal_entries.c, journal_postings.c, invoices.c, journal_releases.c


def journal(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I6: every entry has postings, which cannot but balance; for each invoice, and so for each customer, receivables
    are what is due on it while it is open, bad debt while it is written off, and deferred revenue is what is still
    to be released; customer credit is what customers have on their balances, prepaid credit what is in wallets."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            yield from _empty(connection, organization)
            owed = case((invoice.status == OPEN, invoice.amount_due), else_=0)
            yield from _different(connection, organization, Account.RECEIVABLES, owed)
            given_up = case((invoice.status == UNCOLLECTIBLE, invoice.amount_due), else_=0)
            yield from _different(connection, organization, Account.BAD_DEBT, given_up)
            yield from _different(connection, organization, Account.DEFERRED_REVENUE, -_to_release(organization))
            yield from balances_hold(connection, organization)
    yield from wallets_hold(farthing, organizations)
    yield from money_holds(farthing, organizations)


def _empty(connection: Connection, organization: str) -> Iterator[Broken]:
    unposted = select(entry.id, entry.kind).outerjoin(journal_postings, posting.entry == entry.id)
    for id, kind in connection.execute(unposted.where(entry.organization == organization, posting.entry.is_(None))):
        yield Broken(organization, id, f"the {kind} entry has no postings")


def _different(
    connection: Connection, organization: str, account: Account, expected: ColumnElement[Any]  # Any: a whole number
) -> Iterator[Broken]:
    """Invoices for which an account does not stand at what is expected, in minor units."""
    standing = _standing(organization, account)
    balance = func.coalesce(standing.c.balance, 0)
    query = (
        select(invoice.id, invoice.number, invoice.currency, balance.label("found"), expected.label("expected"))
        .outerjoin(standing, standing.c.invoice == invoice.id)
        .where(invoice.organization == organization, balance != expected)
    )
    for row in connection.execute(query):
        unit = currency(row.currency)
        found, wanted = from_minor(int(row.found), unit), from_minor(int(row.expected), unit)
        problem = f"the journal has {found} {unit.code} in {account.value} for it, it should be {wanted}"
        yield Broken(organization, row.number or row.id, problem)


def _standing(organization: str, account: Account) -> Subquery:
    """How an account stands by invoice, above zero for a debit."""
    moved = case((posting.debit == account.value, posting.amount), else_=-posting.amount)
    query: Select[Any] = (  # Any: an id and a whole number
        select(entry.invoice, func.sum(moved).label("balance"))
        .join(journal_postings, posting.entry == entry.id)
        .where(entry.organization == organization, (posting.debit == account.value) | (posting.credit == account.value))
        .group_by(entry.invoice)
    )
    return query.subquery()


def _to_release(organization: str) -> ColumnElement[Any]:  # Any: a whole number
    waiting = (release.organization == organization) & (release.invoice == invoice.id) & release.entry.is_(None)
    return func.coalesce(select(func.sum(release.amount)).where(waiting).correlate(invoices).scalar_subquery(), 0)
