"""Rows of bank transactions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from farthing.kernel.database import insert_unless_there
from farthing.payments.bank_transactions.models import bank_transactions
from farthing.payments.bank_transactions.values import MATCHED, BankTransaction
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency

table = bank_transactions.c
AT_ONCE: Final = 500  # values in one condition


@dataclass(frozen=True, slots=True)
class BankTransactionStore:
    connection: Connection

    def add(self, made: Sequence[BankTransaction]) -> None:
        """Those that are not there yet, by their marks; with others at it, it waits for theirs."""
        if made:
            rows = [_row(one) for one in sorted(made, key=lambda one: one.mark)]
            insert_unless_there(self.connection, bank_transactions, *rows)

    def by_mark(self, organization: str, marks: Sequence[str]) -> Mapping[str, BankTransaction]:
        """Those of these marks that are there."""
        found: dict[str, BankTransaction] = {}
        for start in range(0, len(marks), AT_ONCE):
            mine = (table.organization == organization) & table.mark.in_(marks[start : start + AT_ONCE])
            rows = self.connection.execute(select(bank_transactions).where(mine)).mappings()
            found |= {one.mark: one for one in map(_value, rows)}
        return found

    def find(self, organization: str, id: str) -> BankTransaction | None:
        mine = (table.organization == organization) & (table.id == id)
        row = self.connection.execute(select(bank_transactions).where(mine)).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(self, organization: str, status: str | None, after: str, limit: int) -> list[BankTransaction]:
        wanted = [table.organization == organization, table.id > after]
        wanted += [table.status == status] if status is not None else []
        rows = self.connection.execute(select(bank_transactions).where(*wanted).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def held(self, organization: str, ids: Collection[str]) -> list[BankTransaction]:
        """These, held in the order of their age until the transaction ends; those that are not there are missing."""
        found: list[BankTransaction] = []
        wanted = sorted(ids)
        for start in range(0, len(wanted), AT_ONCE):
            mine = (table.organization == organization) & table.id.in_(wanted[start : start + AT_ONCE])
            rows = self.connection.execute(select(bank_transactions).where(mine).order_by(table.id).with_for_update())
            found += [_value(row) for row in rows.mappings()]
        return found

    def held_unmatched(self, organization: str, limit: int) -> list[BankTransaction]:
        """The oldest that are not matched, held."""
        mine = (table.organization == organization) & (table.status != MATCHED)
        query = select(bank_transactions).where(mine).order_by(table.id).limit(limit)
        rows = self.connection.execute(query.with_for_update()).mappings().all()
        # who waited for another reconciliation sees here what that has done
        return [one for one in map(_value, rows) if one.status != MATCHED]

    def held_of(self, organization: str, reconciliation: str) -> list[BankTransaction]:
        """Those that a reconciliation has matched, held."""
        mine = (table.organization == organization) & (table.reconciliation == reconciliation)
        rows = self.connection.execute(select(bank_transactions).where(mine).order_by(table.id).with_for_update())
        return [_value(row) for row in rows.mappings()]

    def save(self, changed: Sequence[BankTransaction]) -> None:
        """What became of transfers that are held."""
        if changed:
            mine = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
            names = ("status", "paid_by", "reconciliation")
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}  # Any: bound later
            self.connection.execute(update(bank_transactions).where(mine).values(values), [
                {"own_organization": one.organization, "own_id": one.id}
                | {f"new_{name}": getattr(one, name) for name in names}
                for one in changed
            ])

    def payers(self, organization: str, column: str, names: Sequence[str]) -> Mapping[str, str]:
        """The customer behind each of these names of senders, as far as all matched transfers of it were one's."""
        found: dict[str, set[str]] = {}
        for start in range(0, len(names), AT_ONCE):
            mine = (table.organization == organization) & table[column].in_(names[start : start + AT_ONCE])
            query = select(table[column], table.paid_by).where(mine, table.paid_by.is_not(None)).distinct()
            for name, customer in self.connection.execute(query):
                found.setdefault(name, set()).add(customer)
        return {name: customers.pop() for name, customers in found.items() if len(customers) == 1}


def _row(one: BankTransaction) -> dict[str, Any]:  # Any: a row's columns
    return asdict(one) | {"amount": to_minor(one.amount, currency(one.currency)), "sender": one.sender}


def _value(row: RowMapping) -> BankTransaction:
    same = {name: value for name, value in row.items() if name != "sender"}
    return BankTransaction(**{**same, "amount": from_minor(row["amount"], currency(row["currency"]))})
