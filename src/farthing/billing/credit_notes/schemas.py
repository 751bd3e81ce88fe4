"""Credit notes over the wire."""

from typing import Annotated, Literal

from pydantic import Field

from farthing.billing.credit_notes.values import CreditNote, CreditNoteLine
from farthing.kernel.schemas import Exactly, InstantOut, ListQuery, Paragraph, Reference, Schema, Shown
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import Currency, currency


class CreditNoteLineIn(Schema):
    """How much of an invoice's line is given back: net, after discount."""

    line: Reference
    amount: Annotated[Exactly, Field(gt=0)]


class CreditNoteIn(Schema):
    """What is given back of an invoice: some of its lines, or `amount` "all" for what is left of every line.

    `refund` tells where goes what had been paid: to the customer's balance, or as far as money was paid, back as money.
    """

    invoice: Reference
    lines: Annotated[list[CreditNoteLineIn], Field(min_length=1, max_length=1000)] | None = None
    amount: Literal["all"] | None = None
    reason: Paragraph
    refund: Literal["credit", "payment"] = "credit"


class CreditNoteQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None
    invoice: Reference | None = None


class CreditNoteLineOut(Shown):
    """What is given back of a line of the invoice: net, and the tax on it."""

    line: str
    description: str
    amount: str
    tax: str

    @classmethod
    def of(cls, one: CreditNoteLine, unit: Currency) -> "CreditNoteLineOut":
        return cls(
            line=one.line, description=one.description, amount=money(one.amount, unit), tax=money(one.tax, unit)
        )


class CreditNoteOut(Shown):
    """A credit note; its total lowered what was due (`applied`), and what had been paid went to the customer's
    balance (`credited`) or back as money (`refunded`)."""

    id: str
    number: str
    invoice: str
    invoice_number: str
    customer: str
    customer_key: str | None
    currency: str
    reason: str
    refund: str
    made_by: str | None
    lines: list[CreditNoteLineOut]
    subtotal: str
    tax_total: str
    total: str
    applied: str
    credited: str
    refunded: str
    issued_at: InstantOut

    @classmethod
    def of(cls, one: CreditNote, customer_key: str | None) -> "CreditNoteOut":
        unit = currency(one.currency)
        return cls(
            id=one.id, number=one.number, invoice=one.invoice, invoice_number=one.invoice_number,
            customer=one.customer, customer_key=customer_key, currency=one.currency, reason=one.reason,
            refund=one.refund, made_by=one.made_by, lines=[CreditNoteLineOut.of(line, unit) for line in one.lines],
            subtotal=money(one.subtotal, unit), tax_total=money(one.tax_total, unit), total=money(one.total, unit),
            applied=money(one.to.applied, unit), credited=money(one.to.credited, unit),
            refunded=money(one.to.refunded, unit), issued_at=one.issued_at,
        )
