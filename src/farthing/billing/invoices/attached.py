"""What finalised invoices are shown with: payments and credit notes, each in one question for many invoices."""

from collections.abc import Collection
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, select

from farthing.billing.credit_notes.models import credit_notes
from farthing.billing.invoices.models import invoice_payments
from farthing.billing.invoices.values import CreditOn, Settlement
from farthing.pricing.arithmetic import from_minor
from farthing.pricing.crediting import Settled
from farthing.pricing.currencies import currency


def settlements_of(connection: Connection, invoices: Collection[str]) -> dict[str, list[Settlement]]:
    """Payments, by age, of these invoices."""
    if not invoices:
        return {}
    found: dict[str, list[Settlement]] = {id: [] for id in invoices}
    query = select(invoice_payments).where(invoice_payments.c.invoice.in_(list(invoices)))
    for row in connection.execute(query.order_by(invoice_payments.c.payment)).mappings():
        found[row["invoice"]].append(Settlement(
            row["payment"], from_minor(row["amount"], currency(row["currency"])), row["currency"], row["method"],
            row["reference"], row["received_at"], _amount(row, "refunded"),
        ))
    return found


def credits_on(connection: Connection, invoices: Collection[str]) -> dict[str, list[CreditOn]]:
    """Credit notes, by age, that stand on these invoices."""
    if not invoices:
        return {}
    found: dict[str, list[CreditOn]] = {id: [] for id in invoices}
    query = select(credit_notes).where(credit_notes.c.invoice.in_(list(invoices))).order_by(credit_notes.c.id)
    for row in connection.execute(query).mappings():
        to = Settled(_amount(row, "applied"), _amount(row, "credited"), _amount(row, "refunded"))
        found[row["invoice"]].append(CreditOn(row["id"], row["number"], _amount(row, "total"), to, row["issued_at"]))
    return found


def _amount(row: RowMapping, name: str) -> Decimal:
    return from_minor(row[name], currency(row["currency"]))
