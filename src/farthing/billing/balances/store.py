"""Rows of balances and their entries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, tuple_, update

from farthing.billing.balances.models import balance_entries, customer_balances
from farthing.billing.balances.values import APPLIED, RELEASED, BalanceEntry, Place
from farthing.kernel.database import insert_unless_there
from farthing.pricing.arithmetic import ZERO, from_minor, to_minor
from farthing.pricing.currencies import currency

balance, entry = customer_balances.c, balance_entries.c


@dataclass(frozen=True, slots=True)
class BalanceStore:
    connection: Connection

    def of_customer(self, organization: str, customer: str) -> Mapping[str, Decimal]:
        """Every balance that a customer has or had, by currency."""
        mine = (balance.organization == organization) & (balance.customer == customer)
        return {currency: amount for (_, currency), amount in self._read(mine).items()}

    def filled(self, organization: str, customers: Collection[str]) -> Mapping[Place, Decimal]:
        """The balances of these customers on which there is something."""
        mine = (balance.organization == organization) & balance.customer.in_(list(customers))
        return self._read(mine & (balance.amount > 0))

    def held(self, organization: str, places: Collection[Place]) -> Mapping[Place, Decimal]:
        """These balances, held in one order until the transaction ends; those that are not there are missing."""
        mine = (balance.organization == organization) & tuple_(balance.customer, balance.currency).in_(list(places))
        return self._read(mine, lock=True)

    def hold(self, organization: str, customers: Collection[str]) -> None:
        """Hold all that these customers have until the transaction ends, in the same order."""
        self._read((balance.organization == organization) & balance.customer.in_(sorted(customers)), lock=True)

    def open(self, organization: str, place: Place, now: datetime) -> None:
        """A balance of nothing, unless there is one."""
        customer, code = place
        row = {"organization": organization, "customer": customer, "currency": code, "amount": 0, "updated_at": now}
        insert_unless_there(self.connection, customer_balances, row)

    def add(self, entries: Sequence[BalanceEntry]) -> None:
        """Entries of balances that are held, in order: the last of each says what it is from now on."""
        if not entries:
            return
        self.connection.execute(insert(balance_entries), [_entry_row(one) for one in entries])
        last = {one.movement.place: one for one in entries}
        own = (balance.organization == bindparam("own_organization")) & (
            balance.customer == bindparam("own_customer")
        ) & (balance.currency == bindparam("own_currency"))
        values: dict[str, Any] = {  # Any: bound later
            "amount": bindparam("new_amount"), "updated_at": bindparam("new_time"),
        }
        self.connection.execute(update(customer_balances).where(own).values(values), [
            {
                "own_organization": one.movement.organization, "own_customer": one.movement.customer,
                "own_currency": one.movement.currency, "new_time": one.created_at,
                "new_amount": to_minor(one.balance, currency(one.movement.currency)),
            }
            for one in last.values()
        ])

    def applied_to(self, organization: str, invoice: str, code: str) -> Decimal:
        """What an invoice has taken and not given back."""
        mine = (entry.organization == organization) & (entry.invoice == invoice)
        query = select(func.sum(entry.amount)).where(mine, entry.kind.in_((APPLIED, RELEASED)))
        found = self.connection.execute(query).scalar()
        return from_minor(-int(found), currency(code)) if found else ZERO

    def _read(self, mine: ColumnElement[bool], lock: bool = False) -> dict[Place, Decimal]:
        query = select(balance.customer, balance.currency, balance.amount).where(mine)
        query = query.order_by(balance.customer, balance.currency)
        rows = self.connection.execute(query.with_for_update() if lock else query)
        return {(customer, code): from_minor(amount, currency(code)) for customer, code, amount in rows}


def _entry_row(one: BalanceEntry) -> dict[str, Any]:  # Any: a row's columns
    what = one.movement
    unit = currency(what.currency)
    return {
        "id": one.id, "organization": what.organization, "customer": what.customer, "currency": what.currency,
        "kind": what.kind, "source": what.source, "amount": to_minor(what.amount, unit),
        "balance": to_minor(one.balance, unit), "invoice": what.invoice, "created_at": one.created_at,
    }
