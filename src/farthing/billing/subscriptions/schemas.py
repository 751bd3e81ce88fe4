"""Subscriptions over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Coupon
from farthing.kernel.schemas import (
    Exactly,
    Flag,
    InstantIn,
    InstantOut,
    Key,
    ListQuery,
    Metadata,
    Reference,
    Schema,
    Shown,
)
from farthing.pricing.arithmetic import plain
from farthing.pricing.calendar import Period

Quantity = Annotated[Exactly, Field(ge=0)]


class SubscriptionIn(Schema):
    """A subscription to be made."""

    customer: Reference
    plan: Reference
    key: Key | None = None
    starts_at: InstantIn
    anchor: Literal["calendar", "anniversary"]
    ends_at: InstantIn | None = None
    quantities: Annotated[dict[Key, Quantity], Field(max_length=100)] = {}
    overrides: Annotated[dict[Key, dict[str, Any]], Field(max_length=100)] = {}  # Any: the fields of a price
    coupons: Annotated[list[Reference], Field(max_length=20)] = []
    own_usage: bool = False
    metadata: Metadata = {}


class SubscriptionPatch(Schema):
    """What may change of itself; everything else has a call of its own."""

    metadata: Metadata = {}


class SubscriptionCouponIn(Schema):
    """A coupon to be given to a subscription, by id or key."""

    coupon: Reference


class CancelIn(Schema):
    """When a subscription ends."""

    at: Literal["now", "period_end"] | InstantIn


class SubscriptionQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None
    status: Literal["scheduled", "trialing", "active", "paused", "canceled", "ended"] | None = None
    parked: Flag | None = None


class PeriodOut(Shown):
    """The instants from `from` up to but not including `to`."""

    start: InstantOut = Field(serialization_alias="from")
    end: InstantOut = Field(serialization_alias="to")

    @classmethod
    def of(cls, period: Period | None) -> "PeriodOut | None":
        return None if period is None else cls(start=period.start, end=period.end)


class SubscriptionOut(Shown):
    """A subscription."""

    id: str
    key: str | None
    customer: str
    customer_key: str | None
    plan: str
    plan_key: str
    plan_version: int
    currency: str
    status: str
    anchor: str
    timezone: str
    starts_at: InstantOut
    ends_at: InstantOut | None
    canceled_at: InstantOut | None
    trial_ends_at: InstantOut | None
    current_period: PeriodOut | None
    quantities: dict[str, str]
    overrides: dict[str, Any]  # Any: the fields of a price
    coupons: list[str]
    coupon_keys: list[str]
    own_usage: bool
    metadata: dict[str, Any]  # Any: the caller's own JSON scalars
    parked: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(
        cls, subscription: Subscription, customer_key: str | None, coupons: Sequence[Coupon], now: datetime
    ) -> "SubscriptionOut":
        one = subscription
        return cls(
            id=one.id, key=one.key, customer=one.customer, customer_key=customer_key, plan=one.plan,
            plan_key=one.plan_key, plan_version=one.plan_version, currency=one.currency, status=one.status(now),
            anchor=one.anchor.value, timezone=one.timezone, starts_at=one.starts_at, ends_at=one.ends_at,
            canceled_at=one.canceled_at, trial_ends_at=one.trial_ends_at,
            current_period=PeriodOut.of(one.current_period()),
            quantities={key: plain(quantity) for key, quantity in one.quantities.items()},
            overrides={key: dict(fields) for key, fields in one.overrides.items()},
            coupons=[coupon.id for coupon in coupons], coupon_keys=[coupon.key for coupon in coupons],
            own_usage=one.own_usage, metadata=dict(one.metadata), parked=one.parked, version=one.version,
            created_at=one.created_at, updated_at=one.updated_at,
        )
