"""Subscriptions over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from farthing.billing.subscriptions.changes import Change
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


class ChangeIn(Schema):
    """What a subscription is changed to, from when on, and which invoice is to carry what that gives back and charges.

    `overrides` without fields: the price as the plan has it.
    """

    plan: Reference | None = None
    quantities: Annotated[dict[Key, Quantity], Field(min_length=1, max_length=100)] | None = None
    overrides: Annotated[dict[Key, dict[str, Any]], Field(max_length=100)] | None = None  # Any: the fields of a price
    at: Literal["now", "period_end"] | InstantIn
    invoice: Literal["now", "next"] | None = None


class PauseIn(Schema):
    """When a pause begins or ends."""

    at: Literal["now"] | InstantIn


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


class SubscriptionChangeOut(Shown):
    """What was changed, and from when on; null for what stayed."""

    at: InstantOut
    made_at: InstantOut
    plan: str | None
    plan_key: str | None
    plan_version: int | None
    quantities: dict[str, str] | None
    overrides: dict[str, Any] | None  # Any: the fields of a price

    @classmethod
    def of(cls, one: Change) -> "SubscriptionChangeOut":
        plan, quantities, overrides = one.plan, one.quantities, one.overrides
        return cls(
            at=one.at, made_at=one.made_at, plan=None if plan is None else plan.id,
            plan_key=None if plan is None else plan.key, plan_version=None if plan is None else plan.version,
            quantities=None if quantities is None else {key: plain(each) for key, each in quantities.items()},
            overrides=None if overrides is None else {key: dict(fields) for key, fields in overrides.items()},
        )


class PauseOut(Shown):
    """The instants from `from` on, up to but not including `to`, null while it lasts."""

    start: InstantOut = Field(serialization_alias="from")
    end: InstantOut | None = Field(serialization_alias="to")


class SubscriptionOut(Shown):
    """A subscription; its terms are those that hold now."""

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
    changes: list[SubscriptionChangeOut]
    pauses: list[PauseOut]
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
        one, agreed = subscription, subscription.agreed_at(now)
        return cls(
            id=one.id, key=one.key, customer=one.customer, customer_key=customer_key, plan=agreed.plan.id,
            plan_key=agreed.plan.key, plan_version=agreed.plan.version, currency=one.currency, status=one.status(now),
            anchor=one.anchor.value, timezone=one.timezone, starts_at=one.starts_at, ends_at=one.ends_at,
            canceled_at=one.canceled_at, trial_ends_at=one.trial_ends_at,
            current_period=PeriodOut.of(one.current_period()),
            quantities={key: plain(quantity) for key, quantity in agreed.quantities.items()},
            overrides={key: dict(fields) for key, fields in agreed.overrides.items()},
            changes=[SubscriptionChangeOut.of(each) for each in one.changes],
            pauses=[PauseOut(start=each.start, end=each.end) for each in one.pauses],
            coupons=[coupon.id for coupon in coupons], coupon_keys=[coupon.key for coupon in coupons],
            own_usage=one.own_usage, metadata=dict(one.metadata), parked=one.parked, version=one.version,
            created_at=one.created_at, updated_at=one.updated_at,
        )
