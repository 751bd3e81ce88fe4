"""I6 of money that came in and went back: payments, what they did to invoices, and the transfers that they were."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from farthing.app import Farthing
from farthing.billing.invoices.models import invoice_payments
from farthing.billing.journal.models import journal_entries, journal_postings
from farthing.payments.bank_transactions.models import bank_transactions
from farthing.payments.bank_transactions.values import MATCHED
from farthing.payments.models import payment_refunds, payments
from farthing.pricing.arithmetic import from_minor
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account
from farthing.verification.values import Broken, organizations_in

payment, refund, settled = payments.c, payment_refunds.c, invoice_payments.c
entry, posting, transfer = journal_entries.c, journal_postings.c, bank_transactions.c
Sum = ColumnElement[Any]  # Any: a whole number


def money_holds(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I6: what is left of a payment is what the journal has in cash for it, and its invoice shows its part of that;
    what was given back is the sum of its refunds; a matched transfer is the sum of its payments that stand."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, payments, organizations):
            left = payment.amount - payment.refunded
            yield from _different(connection, organization, left, _cash(organization), "is left of it, the journal has")
            yield from _different(
                connection, organization, payment.refunded, _refunds(organization), "was given back, its refunds are"
            )
            yield from _different(
                connection, organization, payment.on_invoice, _shown(organization),
                "of it is on its invoice, which shows",
            )
        for organization in organizations_in(connection, bank_transactions, organizations):
            yield from _transfers(connection, organization)


def _cash(organization: str) -> Select[Any]:
    moved = case((posting.debit == Account.CASH.value, posting.amount), else_=-posting.amount)
    cash = or_(posting.debit == Account.CASH.value, posting.credit == Account.CASH.value)
    query = select(entry.payment, func.sum(moved)).join(journal_postings, posting.entry == entry.id)
    return query.where(entry.organization == organization, entry.payment.is_not(None), cash).group_by(entry.payment)


def _refunds(organization: str) -> Select[Any]:
    query = select(refund.payment, func.sum(refund.from_invoice + refund.from_balance))
    return query.where(refund.organization == organization).group_by(refund.payment)


def _shown(organization: str) -> Select[Any]:
    query = select(settled.payment, func.sum(settled.amount - settled.refunded))
    return query.where(settled.organization == organization).group_by(settled.payment)


def _different(
    connection: Connection, organization: str, said: Sum, query: Select[Any], words: str
) -> Iterator[Broken]:
    """Payments of which an amount is not what is found elsewhere by their identifiers."""
    found = query.subquery()
    names = list(found.c)
    elsewhere = func.coalesce(names[1], 0)
    wrong = (
        select(payment.id, payment.currency, said, elsewhere).outerjoin(found, names[0] == payment.id)
        .where(payment.organization == organization, said != elsewhere)
    )
    for id, code, amount, other in connection.execute(wrong):
        unit = currency(code)
        told, seen = from_minor(int(amount), unit), from_minor(int(other), unit)
        yield Broken(organization, id, f"{told} {code} {words} {seen}")


def _transfers(connection: Connection, organization: str) -> Iterator[Broken]:
    standing = and_(payment.organization == organization, payment.reversed_at.is_(None))
    of_it = (
        select(payment.bank_transaction, func.sum(payment.amount).label("amount"))
        .where(standing, payment.bank_transaction.is_not(None)).group_by(payment.bank_transaction).subquery()
    )
    expected, paid = case((transfer.status == MATCHED, transfer.amount), else_=0), func.coalesce(of_it.c.amount, 0)
    query = (
        select(transfer.id, transfer.currency, transfer.status, expected, paid)
        .outerjoin(of_it, of_it.c.bank_transaction == transfer.id)
        .where(transfer.organization == organization, expected != paid)
    )
    for id, code, status, wanted, found in connection.execute(query):
        unit = currency(code)
        told = f"the transfer is {status}, and its payments come to {from_minor(int(found), unit)} {code}"
        yield Broken(organization, id, f"{told}, they should to {from_minor(int(wanted), unit)}")
