"""Payments over the wire."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantIn, InstantOut, Line, ListQuery, Reference, Schema, Shown
from farthing.payments.values import Payment
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency


class PaymentIn(Schema):
    """Money received for an invoice."""

    later: ClassVar[Mapping[str, object]] = {"customer": None}
    invoice: Reference
    amount: Annotated[Exactly, Field(gt=0)]
    currency: CurrencyCode
    method: Line
    reference: Line | None = None
    received_at: InstantIn | None = None


class PaymentQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None
    invoice: Reference | None = None


class PaymentOut(Shown):
    """A payment."""

    id: str
    invoice: str
    customer: str
    amount: str
    currency: str
    method: str
    reference: str | None
    received_at: InstantOut
    created_at: InstantOut

    @classmethod
    def of(cls, one: Payment) -> "PaymentOut":
        return cls(
            id=one.id, invoice=one.invoice, customer=one.customer, amount=money(one.amount, currency(one.currency)),
            currency=one.currency, method=one.method, reference=one.reference, received_at=one.received_at,
            created_at=one.created_at,
        )
