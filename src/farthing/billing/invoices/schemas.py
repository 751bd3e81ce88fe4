"""Invoices over the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from farthing.billing.invoices.values import CreditOn, Invoice, InvoiceLine, Settlement
from farthing.billing.subscriptions.schemas import PeriodOut
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import (
    Exactly,
    InstantIn,
    InstantOut,
    Line,
    ListQuery,
    Paragraph,
    Reference,
    Schema,
    Shown,
)
from farthing.pricing.arithmetic import money, plain
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.taxes import Tax


class OneOffLineIn(Schema):
    """A line written by hand: quantity x unit amount."""

    description: Paragraph
    quantity: Annotated[Exactly, Field(gt=0)]
    unit_amount: Annotated[Exactly, Field(ge=0)]
    tax_code: Line | None = None


Lines = Annotated[list[OneOffLineIn], Field(min_length=1, max_length=1000)]


class InvoiceIn(Schema):
    """A one-off invoice to be made."""

    customer: Reference
    currency: CurrencyCode
    lines: Lines
    due_at: InstantIn | None = None


class InvoicePatch(Schema):
    """What may change of a draft: `due_at` (null: by the customer's terms), and lines of a one-off one."""

    lines: Lines = []
    due_at: InstantIn | None = None


class VoidInvoiceIn(Schema):
    """Whether the next run bills the freed period anew."""

    rebill: bool = True


class InvoiceQuery(ListQuery):
    """What narrows the list: `from` and `to` look at issued_at, of drafts at the boundary."""

    customer: Reference | None = None
    status: Literal["draft", "open", "paid", "void", "uncollectible"] | None = None
    bill_run: Reference | None = None
    subscription: Reference | None = None
    since: InstantIn | None = Field(None, alias="from")
    before: InstantIn | None = Field(None, alias="to")


class LineOut(Shown):
    """A line; `quantity` is exact or to 12 decimals, `amount` rounded to the currency's own."""

    optional: ClassVar[frozenset[str]] = frozenset({"group", "corrects"})
    id: str
    description: str
    price: str | None
    group: dict[str, str | None] | None
    period: PeriodOut | None
    quantity: str
    unit_amount: str | None
    amount: str
    tax: str
    tax_rates: list[str]
    discount: str
    reason: str
    corrects: dict[str, str] | None

    @classmethod
    def of(cls, line: InvoiceLine, unit: Currency) -> "LineOut":
        return cls(
            id=line.id, description=line.description, price=line.price,
            group=dict(zip(line.group_by, line.group, strict=True)) if line.group_by else None,
            period=PeriodOut.of(line.period), quantity=line.quantity,
            unit_amount=None if line.unit_amount is None else plain(line.unit_amount),
            amount=money(line.amount, unit), tax=money(line.tax, unit), tax_rates=list(line.tax_rates),
            discount=money(line.discount, unit), reason=line.reason,
            corrects=dict(zip(("invoice", "line"), line.corrects, strict=True)) if line.corrects else None,
        )


class TaxOut(Shown):
    """What one rate comes to over the invoice; without a rate, what bears no tax, and why."""

    optional: ClassVar[frozenset[str]] = frozenset({"reason"})
    rate: str | None
    rate_key: str | None
    name: str
    percent: str
    category: str
    taxable: str
    amount: str
    reason: str | None

    @classmethod
    def of(cls, tax: Tax, unit: Currency) -> "TaxOut":
        return cls(
            rate=tax.rate, rate_key=tax.key, name=tax.name, percent=plain(tax.percent), category=tax.category,
            taxable=money(tax.taxable, unit), amount=money(tax.amount, unit), reason=tax.reason,
        )


class SettlementOut(Shown):
    """A payment as its invoice shows it; `refunded` is what of it was given back."""

    optional: ClassVar[frozenset[str]] = frozenset({"refunded"})
    id: str
    amount: str
    currency: str
    method: str
    reference: str | None
    received_at: InstantOut
    refunded: str | None

    @classmethod
    def of(cls, one: Settlement) -> "SettlementOut":
        return cls(
            id=one.payment, amount=money(one.amount, currency(one.currency)), currency=one.currency,
            method=one.method, reference=one.reference, received_at=one.received_at,
            refunded=money(one.refunded, currency(one.currency)) if one.refunded else None,
        )


class CreditOut(Shown):
    """A credit note as its invoice shows it: `applied` lowered what was due, the rest was given back."""

    id: str
    number: str
    total: str
    applied: str
    credited: str
    refunded: str
    issued_at: InstantOut

    @classmethod
    def of(cls, one: CreditOn, unit: Currency) -> "CreditOut":
        return cls(
            id=one.id, number=one.number, total=money(one.total, unit), applied=money(one.to.applied, unit),
            credited=money(one.to.credited, unit), refunded=money(one.to.refunded, unit), issued_at=one.issued_at,
        )


class InvoiceOut(Shown):
    """An invoice; `subtotal`, `total` and `amount_due` are sums that always hold."""

    id: str
    number: str | None
    status: str
    customer: dict[str, Any]  # Any: the snapshot's JSON
    seller: dict[str, Any]  # Any: the snapshot's JSON
    subscription: str | None
    currency: str
    boundary: InstantOut | None
    period: PeriodOut | None
    issued_at: InstantOut | None
    due_at: InstantOut | None
    lines: list[LineOut]
    taxes: list[TaxOut]
    subtotal: str
    discount_total: str
    tax_total: str
    credit_applied: str
    total: str
    amount_paid: str
    amount_due: str
    payments: list[SettlementOut]
    credit_notes: list[CreditOut]
    bill_run: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, one: Invoice) -> "InvoiceOut":
        unit = currency(one.currency)
        return cls(
            id=one.id, number=one.number, status=one.status, customer=dict(one.buyer), seller=dict(one.seller),
            subscription=one.subscription, currency=one.currency, boundary=one.boundary,
            period=PeriodOut.of(one.period), issued_at=one.issued_at, due_at=one.due_at,
            lines=[LineOut.of(line, unit) for line in one.lines],
            taxes=[TaxOut.of(tax, unit) for tax in one.taxes],
            subtotal=money(one.totals.subtotal, unit), discount_total=money(one.totals.discount_total, unit),
            tax_total=money(one.totals.tax_total, unit), credit_applied=money(one.credit_applied, unit),
            total=money(one.totals.total, unit), amount_paid=money(one.amount_paid, unit),
            amount_due=money(one.amount_due, unit),
            payments=[SettlementOut.of(settlement) for settlement in one.settlements],
            credit_notes=[CreditOut.of(note, unit) for note in one.credit_notes],
            bill_run=one.bill_run, version=one.version, created_at=one.created_at, updated_at=one.updated_at,
        )
