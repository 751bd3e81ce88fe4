"""Rows of what payments did to invoices."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from farthing.billing.invoices.models import invoice_payments, invoices
from farthing.billing.invoices.money import Receivable
from farthing.billing.invoices.values import OPEN, Invoice, Settlement
from farthing.kernel.cache.values import Key
from farthing.kernel.database import changes
from farthing.pricing.arithmetic import to_minor
from farthing.pricing.currencies import currency
from farthing.pricing.transfers import Owed

table, row_of = invoices.c, invoice_payments.c
AT_ONCE: Final = 500  # values in one condition


@dataclass(frozen=True, slots=True)
class SettlementStore:
    connection: Connection

    def add(self, made: Sequence[tuple[Invoice, Settlement]]) -> None:
        """Payments of invoices that are held."""
        if made:
            _changed([invoice for invoice, _ in made])
            self.connection.execute(insert(invoice_payments), [_row(*each) for each in made])

    def give_back(self, given: Sequence[tuple[Invoice, str, Decimal]]) -> None:
        """So much of payments, by id, of invoices that are held."""
        if given:
            _changed([invoice for invoice, _, _ in given])
            mine = (row_of.organization == bindparam("own_organization")) & (
                row_of.invoice == bindparam("own_invoice")
            ) & (row_of.payment == bindparam("own_payment"))
            values: dict[str, Any] = {"refunded": row_of.refunded + bindparam("more")}  # Any: an expression
            self.connection.execute(update(invoice_payments).where(mine).values(values), [
                {
                    "own_organization": invoice.organization, "own_invoice": invoice.id, "own_payment": payment,
                    "more": to_minor(amount, currency(invoice.currency)),
                }
                for invoice, payment, amount in given
            ])

    def owed(self, organization: str, currencies: Collection[str]) -> list[Receivable]:
        """The open invoices in these currencies, by age."""
        return list(self._found(organization, (table.status == OPEN) & table.currency.in_(list(currencies))))

    def numbered(self, organization: str, numbers: Sequence[str]) -> list[Receivable]:
        """The invoices that have these numbers, in whatever state."""
        return [
            one for start in range(0, len(numbers), AT_ONCE)
            for one in self._found(organization, table.number.in_(numbers[start : start + AT_ONCE]))
        ]

    def _found(self, organization: str, condition: ColumnElement[bool]) -> Iterator[Receivable]:
        columns = (table.id, table.number, table.customer, table.currency, table.amount_due, table.status, table.buyer)
        query = select(*columns).where(table.organization == organization, condition).order_by(table.id)
        for id, number, customer, code, due, status, buyer in self.connection.execute(query):
            yield Receivable(Owed(id, number, customer, code, due, status), buyer["name"])


def _changed(touched: Sequence[Invoice]) -> None:
    """Note invoices of which answers may be kept."""
    changes("invoice", (Key(one.organization, one.id).name for one in touched))


def _row(invoice: Invoice, one: Settlement) -> dict[str, Any]:  # Any: a row's columns
    return {
        "organization": invoice.organization, "invoice": invoice.id, "payment": one.payment,
        "amount": to_minor(one.amount, currency(invoice.currency)), "refunded": 0, "currency": one.currency,
        "method": one.method, "reference": one.reference, "received_at": one.received_at,
    }
