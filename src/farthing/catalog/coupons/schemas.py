"""Coupons over the wire."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from farthing.catalog.coupons.values import Coupon
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantIn, InstantOut, Integer, Key, Line, Schema, Shown
from farthing.pricing.arithmetic import money, plain
from farthing.pricing.currencies import currency

MOST: Final = 10**9


class InvoicesIn(Schema):
    """A duration of some invoices."""

    invoices: Annotated[Integer, Field(ge=1, le=10_000)]


def _duration(value: object) -> object:
    if isinstance(value, dict):
        return InvoicesIn.model_validate(value)
    if value in ("once", "forever"):
        return value
    raise PydanticCustomError("duration", 'must be "once", "forever" or {"invoices": n}')


Duration = Annotated[
    Literal["once", "forever"] | InvoicesIn,
    PlainValidator(_duration, json_schema_input_type=Literal["once", "forever"] | InvoicesIn),
]


class CouponIn(Schema):
    """A coupon to be made: a percentage, or an amount of a currency for each invoice."""

    key: Key
    name: Line
    percent: Annotated[Exactly, Field(gt=0, le=100)] | None = None
    amount: Annotated[Exactly, Field(gt=0)] | None = None
    currency: CurrencyCode | None = None
    duration: Duration
    applies_to: Annotated[list[Key], Field(max_length=100)] = []
    redeem_by: InstantIn | None = None
    max_redemptions: Annotated[Integer, Field(ge=1, le=MOST)] | None = None


class CouponOut(Shown):
    """A coupon; it has a percentage, or an amount and its currency."""

    optional: ClassVar[frozenset[str]] = frozenset({"percent", "amount", "currency"})
    id: str
    key: str
    name: str
    percent: str | None
    amount: str | None
    currency: str | None
    duration: str | dict[str, Any]  # Any: {"invoices": n}
    applies_to: list[str]
    redeem_by: InstantOut | None
    max_redemptions: int | None
    redemptions: int
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, one: Coupon) -> "CouponOut":
        amount = None
        if one.amount is not None and one.currency is not None:
            amount = money(one.amount, currency(one.currency))
        return cls(
            id=one.id, key=one.key, name=one.name, percent=None if one.percent is None else plain(one.percent),
            amount=amount, currency=one.currency,
            duration=one.duration if isinstance(one.duration, str) else dict(one.duration),
            applies_to=list(one.applies_to), redeem_by=one.redeem_by, max_redemptions=one.max_redemptions,
            redemptions=one.redemptions, version=one.version, created_at=one.created_at, updated_at=one.updated_at,
        )
