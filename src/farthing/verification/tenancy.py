"""I12 as far as rows tell: nothing refers to another organisation's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, select

from farthing.app import Farthing
from farthing.billing.balances.models import balance_entries, customer_balances
from farthing.billing.charges.models import charges
from farthing.billing.credit_notes.models import credit_note_lines, credit_notes
from farthing.billing.invoices.models import (
    closed_without_invoice,
    invoice_lines,
    invoice_payments,
    invoices,
    usage_credits,
)
from farthing.billing.journal.models import journal_entries, journal_postings, journal_releases
from farthing.billing.subscriptions.models import subscriptions
from farthing.billing.wallets.models import credit_uses, top_ups, wallets
from farthing.catalog.meters.models import meters
from farthing.catalog.plans.models import plan_meters, plan_versions, plans
from farthing.customers.models import customers
from farthing.identity.organizations.models import organizations as tenants
from farthing.payments.bank_transactions.models import bank_transactions
from farthing.payments.models import payment_refunds, payments
from farthing.payments.reconciliations.models import reconciliation_proposals, reconciliations
from farthing.usage.quantities.models import meter_positions
from farthing.usage.subjects.models import event_subjects
from farthing.verification.values import Broken


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that names a row of another table, and the rooms that keep the two.

    may_be_gone  what it names may have been deleted since
    """

    child: Table
    column: str
    parent: Table
    rooms: tuple[str, str]
    row: str = "id"
    may_be_gone: bool = False


BOOKS: Final = ("billing", "billing")
REFERENCES: Final = (
    Reference(invoice_lines, "invoice", invoices, BOOKS),
    Reference(invoice_lines, "charge", charges, BOOKS),
    Reference(charges, "invoice", invoices, BOOKS),
    Reference(charges, "customer", customers, ("billing", "customers")),
    Reference(wallets, "customer", customers, ("billing", "customers")),
    Reference(top_ups, "wallet", wallets, BOOKS),
    Reference(top_ups, "customer", customers, ("billing", "customers")),
    Reference(credit_uses, "top_up", top_ups, BOOKS, "invoice"),
    Reference(credit_uses, "invoice", invoices, BOOKS, "top_up"),
    Reference(usage_credits, "line", invoice_lines, BOOKS, "line"),
    Reference(usage_credits, "invoice", invoices, BOOKS, "line"),
    Reference(closed_without_invoice, "subscription", subscriptions, BOOKS, "subscription"),
    Reference(invoice_payments, "invoice", invoices, BOOKS, "payment"),
    Reference(invoice_payments, "payment", payments, ("billing", "payments"), "payment"),
    Reference(credit_notes, "invoice", invoices, BOOKS),
    Reference(credit_notes, "made_by", invoices, BOOKS),
    Reference(credit_notes, "customer", customers, ("billing", "customers")),
    Reference(credit_note_lines, "credit_note", credit_notes, BOOKS, "credit_note"),
    Reference(credit_note_lines, "line", invoice_lines, BOOKS, "credit_note"),
    Reference(credit_note_lines, "invoice", invoices, BOOKS, "credit_note"),
    Reference(customer_balances, "customer", customers, ("billing", "customers"), "customer"),
    Reference(balance_entries, "customer", customers, ("billing", "customers")),
    Reference(balance_entries, "invoice", invoices, BOOKS),
    Reference(invoices, "subscription", subscriptions, BOOKS),
    Reference(invoices, "customer", customers, ("billing", "customers")),
    Reference(subscriptions, "customer", customers, ("billing", "customers")),
    Reference(subscriptions, "plan", plans, ("billing", "catalog")),
    Reference(payments, "invoice", invoices, ("payments", "billing")),
    Reference(payments, "customer", customers, ("payments", "customers")),
    Reference(payments, "bank_transaction", bank_transactions, ("payments", "payments")),
    Reference(payments, "reconciliation", reconciliations, ("payments", "payments")),
    Reference(bank_transactions, "reconciliation", reconciliations, ("payments", "payments")),
    Reference(
        reconciliation_proposals, "reconciliation", reconciliations, ("payments", "payments"), "bank_transaction"
    ),
    Reference(
        reconciliation_proposals, "bank_transaction", bank_transactions, ("payments", "payments"), "reconciliation"
    ),
    Reference(payment_refunds, "payment", payments, ("payments", "payments")),
    Reference(bank_transactions, "customer", customers, ("payments", "customers"), may_be_gone=True),
    Reference(bank_transactions, "paid_by", customers, ("payments", "customers")),
    Reference(journal_entries, "invoice", invoices, BOOKS),
    Reference(journal_entries, "payment", payments, ("billing", "payments")),
    Reference(journal_entries, "customer", customers, ("billing", "customers")),
    Reference(journal_postings, "entry", journal_entries, BOOKS, "entry"),
    Reference(journal_releases, "invoice", invoices, BOOKS, "invoice"),
    Reference(journal_releases, "entry", journal_entries, BOOKS, "invoice"),
    Reference(plan_versions, "plan", plans, ("catalog", "catalog"), "plan"),
    Reference(plan_meters, "meter", meters, ("catalog", "catalog"), "plan"),
    Reference(meter_positions, "meter", meters, ("usage", "catalog"), "meter", may_be_gone=True),
    Reference(event_subjects, "customer", customers, ("usage", "customers"), "subject", may_be_gone=True),
    Reference(event_subjects, "subscription", subscriptions, ("usage", "billing"), "subject", may_be_gone=True),
    *(
        Reference(table, "organization", tenants, (room, "identity"))
        for table, room in ((customers, "customers"), (invoices, "billing"), (meters, "catalog"), (plans, "catalog"))
    ),
)


def tenancy(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I12: what a row refers to is there and is its own organisation's, wherever both lie in this store."""
    here = set(farthing.here) - ({"customers"} if farthing.customers.mongo is not None else set())
    with farthing.database.read() as connection:
        for one in REFERENCES:
            if here.issuperset(one.rooms):
                yield from _strangers(connection, one, organizations)


def _strangers(connection: Connection, one: Reference, organizations: Sequence[str] | None) -> Iterator[Broken]:
    child, parent = one.child.c, one.parent.alias("parent")
    named = child[one.column]
    owner = parent.c.id if one.parent is tenants else parent.c.organization
    wrong = owner != child.organization
    if not one.may_be_gone:
        wrong = wrong | parent.c.id.is_(None)
    query = (
        select(child.organization, child[one.row], named, owner)
        .outerjoin(parent, parent.c.id == named).where(named.is_not(None), wrong)
    )
    if organizations is not None:
        query = query.where(child.organization.in_(list(organizations)))
    for organization, row, name, whose in connection.execute(query):
        told = "which is not there" if whose is None else f"which is {whose}'s"
        yield Broken(organization, row, f"its {one.column} in {one.child.name} is {name}, {told}")
