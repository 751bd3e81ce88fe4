"""Customers over the wire."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from farthing.customers import CustomerBalance, GivenCoupon
from farthing.customers.values import Customer
from farthing.kernel.parties import AddressSchema, CurrencyCode, Days, Email, TaxIdSchema, TimeZone
from farthing.kernel.schemas import (
    InstantIn,
    InstantOut,
    Key,
    Line,
    ListQuery,
    Metadata,
    Paragraph,
    Reference,
    Schema,
    Shown,
)
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency


class CustomerIn(Schema):
    """All that may be set; PATCH takes any part of it."""

    key: Key | None = None
    name: Line
    email: Email | None = None
    currency: CurrencyCode | None = None
    timezone: TimeZone | None = None
    address: AddressSchema | None = None
    tax_ids: Annotated[list[TaxIdSchema], Field(max_length=10)] = []
    tax_treatment: Literal["standard", "exempt", "reverse_charge"] = "standard"
    tax_reason: Paragraph | None = None
    payment_terms_days: Days | None = None
    buyer_reference: Line | None = None
    metadata: Metadata = {}


class CustomerQuery(ListQuery):
    """What narrows the list: `q` is the beginning of a name, an e-mail address or a key."""

    q: Annotated[str, StringConstraints(max_length=255)] | None = None
    email: Annotated[str, StringConstraints(max_length=255)] | None = None
    created_after: InstantIn | None = None


class CustomerCouponIn(Schema):
    """A coupon to be given to a customer, by id or key."""

    coupon: Reference


class CustomerCouponOut(Shown):
    """A coupon that a customer was given."""

    customer: str
    customer_key: str | None
    coupon: str
    coupon_key: str
    attached_at: InstantOut

    @classmethod
    def of(cls, customer: Customer, given: GivenCoupon) -> "CustomerCouponOut":
        return cls(
            customer=customer.id, customer_key=customer.key, coupon=given.coupon, coupon_key=given.coupon_key,
            attached_at=given.attached_at,
        )


class BalanceOut(Shown):
    """What a customer has in one currency: `amount` is unapplied money and credit notes."""

    currency: str
    amount: str
    prepaid: str
    granted: str

    @classmethod
    def of(cls, one: CustomerBalance) -> "BalanceOut":
        unit = currency(one.currency)
        return cls(
            currency=unit.code, amount=money(one.amount, unit), prepaid=money(one.prepaid, unit),
            granted=money(one.granted, unit),
        )


class BalancesOut(Shown):
    """What a customer has in the currency that it is billed in, and in those in which it has or had something."""

    customer: str
    customer_key: str | None
    data: list[BalanceOut]

    @classmethod
    def of(cls, customer: Customer, balances: Sequence[CustomerBalance]) -> "BalancesOut":
        return cls(customer=customer.id, customer_key=customer.key, data=[BalanceOut.of(one) for one in balances])


class CustomerOut(Shown):
    """A customer."""

    id: str
    key: str | None
    name: str
    email: str | None
    currency: str
    timezone: str
    address: dict[str, str] | None
    tax_ids: list[dict[str, str]]
    tax_treatment: str
    tax_reason: str | None
    payment_terms_days: int
    buyer_reference: str | None
    metadata: dict[str, Any]  # Any: the caller's own JSON scalars
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, customer: Customer) -> "CustomerOut":
        return cls.model_validate(customer, from_attributes=True)
