"""Payments over the wire."""

from typing import Annotated

from pydantic import Field

from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantIn, InstantOut, Line, ListQuery, Paragraph, Reference, Schema, Shown
from farthing.payments.values import Payment, Refund
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import Currency, currency


class PaymentIn(Schema):
    """Money received for an invoice, or from a customer for none: one of the two is named."""

    invoice: Reference | None = None
    customer: Reference | None = None
    amount: Annotated[Exactly, Field(gt=0)]
    currency: CurrencyCode
    method: Line
    reference: Line | None = None
    received_at: InstantIn | None = None


class RefundIn(Schema):
    """What of a payment is given back: all that is left unless told otherwise."""

    amount: Annotated[Exactly, Field(gt=0)] | None = None
    reason: Paragraph | None = None


class PaymentQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None
    invoice: Reference | None = None


class RefundOut(Shown):
    """Money that was given back: `from_balance` what still lay there, `from_invoice` is owed again."""

    id: str
    amount: str
    from_invoice: str
    from_balance: str
    reason: str | None
    created_at: InstantOut

    @classmethod
    def of(cls, one: Refund, unit: Currency) -> "RefundOut":
        return cls(
            id=one.id, amount=money(one.amount, unit), from_invoice=money(one.from_invoice, unit),
            from_balance=money(one.from_balance, unit), reason=one.reason, created_at=one.created_at,
        )


class PaymentOut(Shown):
    """A payment: `amount` is on the invoice, went to the customer's balance, or was given back (`refunded`)."""

    id: str
    status: str
    invoice: str | None
    customer: str
    amount: str
    on_invoice: str
    on_balance: str
    refunded: str
    currency: str
    method: str
    reference: str | None
    bank_transaction: str | None
    received_at: InstantOut
    created_at: InstantOut
    refunds: list[RefundOut]

    @classmethod
    def of(cls, one: Payment) -> "PaymentOut":
        unit = currency(one.currency)
        return cls(
            id=one.id, status=one.status, invoice=one.invoice, customer=one.customer,
            amount=money(one.amount, unit), on_invoice=money(one.on_invoice, unit),
            on_balance=money(one.on_balance, unit), refunded=money(one.refunded, unit), currency=one.currency,
            method=one.method, reference=one.reference, bank_transaction=one.bank_transaction,
            received_at=one.received_at, created_at=one.created_at,
            refunds=[RefundOut.of(refund, unit) for refund in one.refunds],
        )
