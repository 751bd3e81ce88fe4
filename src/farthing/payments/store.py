"""Rows of payments."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, insert, select, update

from farthing.kernel.database import refusing
from farthing.payments.models import payment_refunds, payments
from farthing.payments.values import Payment, PaymentReferenceTaken, Refund
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import Currency, currency

table = payments.c
AMOUNTS: Final = ("amount", "on_invoice", "on_balance", "refunded")


@dataclass(frozen=True, slots=True)
class PaymentStore:
    connection: Connection

    def add(self, made: Sequence[Payment]) -> None:
        """Raises PaymentReferenceTaken."""
        if made:
            with refusing("payments_receipt", PaymentReferenceTaken(made[0].method, made[0].reference)):
                self.connection.execute(insert(payments), [_row(one) for one in made])

    def find(self, organization: str, id: str, lock: bool = False) -> Payment | None:
        return next(iter(self._read((table.organization == organization) & (table.id == id), lock)), None)

    def by_receipt(self, organization: str, method: str, receipt: str) -> Payment | None:
        mine = (table.organization == organization) & (table.method == method) & (table.receipt == receipt)
        return next(iter(self._read(mine)), None)

    def of_reconciliation(self, organization: str, reconciliation: str, lock: bool = False) -> list[Payment]:
        """What a reconciliation has made of transfers, by age."""
        return self._read((table.organization == organization) & (table.reconciliation == reconciliation), lock)

    def page(
        self, organization: str, customer: str | None, invoice: str | None, after: str, limit: int
    ) -> list[Payment]:
        wanted = (table.organization == organization) & (table.id > after)
        wanted = wanted if customer is None else wanted & (table.customer == customer)
        wanted = wanted if invoice is None else wanted & (table.invoice == invoice)
        return self._read(wanted, limit=limit)

    def refund(self, changed: Sequence[tuple[Payment, Refund]]) -> None:
        """Payments that are held, each with what was just given back of it."""
        if not changed:
            return
        mine = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
        names = (*AMOUNTS[1:], "receipt", "reversed_at")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}  # Any: bound later
        self.connection.execute(update(payments).where(mine).values(values), [
            {"own_organization": one.organization, "own_id": one.id}
            | {f"new_{name}": row[name] for name in names}
            for one in (payment for payment, _ in changed) for row in [_row(one)]
        ])
        self.connection.execute(insert(payment_refunds), [_refund_row(*each) for each in changed])

    def _read(self, wanted: ColumnElement[bool], lock: bool = False, limit: int | None = None) -> list[Payment]:
        query = select(payments).where(wanted).order_by(table.id).limit(limit)
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings().all()
        found = {row["id"]: _value(row) for row in rows}
        refunded = [id for id, one in found.items() if one.refunded]
        refunds: dict[str, list[Refund]] = {id: [] for id in found}
        if refunded:
            given = select(payment_refunds).where(payment_refunds.c.payment.in_(refunded))
            for row in self.connection.execute(given.order_by(payment_refunds.c.id)).mappings():
                refunds[row["payment"]].append(_refund(row, currency(found[row["payment"]].currency)))
        return [replace(one, refunds=tuple(refunds[id])) for id, one in found.items()]


def _row(one: Payment) -> dict[str, Any]:  # Any: a row's columns
    unit = currency(one.currency)
    same = {name: value for name, value in asdict(one).items() if name != "refunds"}
    return same | {name: to_minor(getattr(one, name), unit) for name in AMOUNTS}


def _refund_row(payment: Payment, one: Refund) -> dict[str, Any]:  # Any: a row's columns
    unit = currency(payment.currency)
    return asdict(one) | {
        "organization": payment.organization, "from_invoice": to_minor(one.from_invoice, unit),
        "from_balance": to_minor(one.from_balance, unit),
    }


def _value(row: RowMapping) -> Payment:
    unit = currency(row["currency"])
    return Payment(**{**row, **{name: from_minor(row[name], unit) for name in AMOUNTS}})


def _refund(row: RowMapping, unit: Currency) -> Refund:
    return Refund(
        row["id"], row["payment"], from_minor(row["from_invoice"], unit), from_minor(row["from_balance"], unit),
        row["reason"], row["created_at"],
    )
