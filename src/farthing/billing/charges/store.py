"""Rows of one-off charges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from farthing.billing.charges.models import charges
from farthing.billing.charges.values import WAITING, Charge
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency

table = charges.c


@dataclass(frozen=True, slots=True)
class ChargeStore:
    connection: Connection

    def add(self, charge: Charge) -> None:
        amount = to_minor(charge.amount, currency(charge.currency))
        self.connection.execute(insert(charges).values(asdict(charge) | {"amount": amount}))

    def remove(self, charge: Charge) -> None:
        mine = (table.organization == charge.organization) & (table.id == charge.id)
        self.connection.execute(delete(charges).where(mine))

    def find(self, organization: str, id: str, lock: bool = False) -> Charge | None:
        query = select(charges).where((table.organization == organization) & (table.id == id))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(
        self, organization: str, customer: str | None, status: str | None, after: str, limit: int
    ) -> list[Charge]:
        wanted = [table.organization == organization, table.id > after]
        wanted += [table.customer == customer] if customer is not None else []
        if status is not None:
            wanted.append(table.invoice.is_(None) if status == WAITING else table.invoice.is_not(None))
        rows = self.connection.execute(select(charges).where(*wanted).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def waiting(self, organization: str, customers: Collection[str], lock: bool) -> dict[str, list[Charge]]:
        """The charges of these customers that wait, by customer, oldest first; locked, they stay so."""
        mine = (table.organization == organization) & table.customer.in_(list(customers)) & table.invoice.is_(None)
        query = select(charges).where(mine).order_by(table.id)
        found: dict[str, list[Charge]] = {}
        for row in self.connection.execute(query.with_for_update() if lock else query).mappings():
            found.setdefault(row["customer"], []).append(_value(row))
        return found

    def any_waiting(self, organization: str, customer: str) -> bool:
        mine = (table.organization == organization) & (table.customer == customer) & table.invoice.is_(None)
        return self.connection.execute(select(table.id).where(mine).limit(1)).first() is not None

    def stand(self, organization: str, on: Mapping[str, str | None]) -> None:
        """Note on which invoice each of these charges stands now, by id; None: it waits again."""
        if on:
            own = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
            change = update(charges).where(own).values(invoice=bindparam("on_invoice"), version=table.version + 1)
            self.connection.execute(change, [
                {"own_organization": organization, "own_id": id, "on_invoice": on[id]} for id in sorted(on)
            ])

    def free(self, organization: str, invoices: Sequence[str]) -> None:
        """Let the charges on these wait again: drafts that are dropped, or invoices that are billed anew."""
        own = (table.organization == organization) & table.invoice.in_(list(invoices))
        self.connection.execute(update(charges).where(own).values(invoice=None, version=table.version + 1))


def _value(row: RowMapping) -> Charge:
    return Charge(**{**row, "amount": from_minor(row["amount"], currency(row["currency"]))})
