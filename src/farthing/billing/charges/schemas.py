"""One-off charges over the wire."""

from typing import Annotated, Literal

from pydantic import Field

from farthing.billing.charges.values import Charge
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import (
    Exactly,
    InstantOut,
    Line,
    ListQuery,
    Paragraph,
    Reference,
    Schema,
    Shown,
)
from farthing.pricing.arithmetic import money, plain
from farthing.pricing.currencies import currency


class ChargeIn(Schema):
    """A line for the customer's next invoice: quantity x unit amount."""

    customer: Reference
    description: Paragraph
    quantity: Annotated[Exactly, Field(gt=0)]
    unit_amount: Annotated[Exactly, Field(ge=0)]
    currency: CurrencyCode
    tax_code: Line | None = None


class ChargeQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None
    status: Literal["waiting", "billed"] | None = None


class ChargeOut(Shown):
    """A one-off charge; `invoice` is the draft or invoice on which it stands, null while it waits."""

    id: str
    customer: str
    customer_key: str | None
    description: str
    quantity: str
    unit_amount: str
    amount: str
    currency: str
    tax_code: str | None
    status: str
    invoice: str | None
    version: int
    created_at: InstantOut

    @classmethod
    def of(cls, one: Charge, key: str | None) -> "ChargeOut":
        return cls(
            id=one.id, customer=one.customer, customer_key=key, description=one.description,
            quantity=plain(one.quantity), unit_amount=plain(one.unit_amount),
            amount=money(one.amount, currency(one.currency)), currency=one.currency, tax_code=one.tax_code,
            status=one.status, invoice=one.invoice, version=one.version, created_at=one.created_at,
        )
