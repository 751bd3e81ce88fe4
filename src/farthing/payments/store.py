"""Rows of payments."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, insert, select

from farthing.kernel.database import refusing
from farthing.payments.models import payments
from farthing.payments.values import Payment, PaymentReferenceTaken
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency


@dataclass(frozen=True, slots=True)
class PaymentStore:
    connection: Connection

    def add(self, payment: Payment) -> None:
        """Raises PaymentReferenceTaken."""
        with refusing("payments_reference", PaymentReferenceTaken(payment.method, payment.reference)):
            amount = to_minor(payment.amount, currency(payment.currency))
            self.connection.execute(insert(payments).values(asdict(payment) | {"amount": amount}))

    def find(self, organization: str, id: str) -> Payment | None:
        mine = (payments.c.organization == organization) & (payments.c.id == id)
        row = self.connection.execute(select(payments).where(mine)).mappings().one_or_none()
        return None if row is None else _value(row)

    def by_reference(self, organization: str, method: str, reference: str) -> Payment | None:
        mine = (payments.c.organization == organization) & (payments.c.method == method)
        row = self.connection.execute(select(payments).where(mine, payments.c.reference == reference))
        found = row.mappings().one_or_none()
        return None if found is None else _value(found)

    def page(
        self, organization: str, customer: str | None, invoice: str | None, after: str, limit: int
    ) -> list[Payment]:
        wanted = [payments.c.organization == organization, payments.c.id > after]
        wanted += [payments.c.customer == customer] if customer is not None else []
        wanted += [payments.c.invoice == invoice] if invoice is not None else []
        rows = self.connection.execute(select(payments).where(*wanted).order_by(payments.c.id).limit(limit))
        return [_value(row) for row in rows.mappings()]


def _value(row: RowMapping) -> Payment:
    return Payment(**{**row, "amount": from_minor(row["amount"], currency(row["currency"]))})
