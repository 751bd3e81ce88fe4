"""The explanation of a line over the wire."""

from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import Field

from farthing.billing.invoices.explain import Explanation
from farthing.billing.invoices.reasons import DiscountReason, TaxReason
from farthing.billing.subscriptions.schemas import PeriodOut
from farthing.kernel.schemas import InstantOut, Shown
from farthing.pricing.aggregation import Point
from farthing.pricing.arithmetic import minus, money, plain
from farthing.pricing.charges import Step
from farthing.pricing.currencies import Currency, currency

SHOWN: Final = 100  # of the events that were ignored


class StepOut(Shown):
    """A step of a rating; the amounts of all steps sum to the exact amount."""

    optional: ClassVar[frozenset[str]] = frozenset({"tier", "unit_amount", "flat_amount"})
    tier: int | None
    quantity: str
    unit_amount: str | None
    flat_amount: str | None
    amount: str
    note: str

    @classmethod
    def of(cls, step: Step) -> "StepOut":
        return cls(
            tier=step.tier, quantity=plain(step.quantity), amount=plain(step.amount), note=step.note,
            unit_amount=None if step.unit_amount is None else plain(step.unit_amount),
            flat_amount=None if step.flat_amount is None else plain(step.flat_amount),
        )


class HourOut(Shown):
    """What a meter says of one hour in which something was counted."""

    start: InstantOut = Field(serialization_alias="from")
    end: InstantOut = Field(serialization_alias="to")
    value: str
    events: int


class CountedOut(Shown):
    """An event that the amount is made of."""

    source: str
    id: str
    time: InstantOut
    value: str | None

    @classmethod
    def of(cls, point: Point) -> "CountedOut":
        value = point.value if point.value is None or isinstance(point.value, str) else plain(point.value)
        return cls(source=point.source, id=point.id, time=point.time, value=value)


class EventsOut(Shown):
    """A page of them."""

    data: list[CountedOut]
    next: str | None


class IgnoredOut(Shown):
    """Events of the period that count for nothing since they came after it was first closed: the first of them."""

    count: int
    reason: str
    data: list[CountedOut]

    @classmethod
    def of(cls, points: Sequence[Point], limit: int) -> "IgnoredOut | None":
        reason = "it came after its period was first closed, and the meter ignores late usage (rule 18)"
        several = "they came after their period was first closed, and the meter ignores late usage (rule 18)"
        return None if not points else cls(
            count=len(points), reason=reason if len(points) == 1 else several,
            data=[CountedOut.of(point) for point in points[:limit]],
        )


class AggregateOut(Shown):
    """What was counted: the meter's value of the period, and up to which event; `carried` is a level from before."""

    optional: ClassVar[frozenset[str]] = frozenset({"carried"})
    meter: str
    aggregation: str
    value: str
    carried: str | None
    events: int
    position: int


class RoundingOut(Shown):
    """The one rounding that an amount has seen (rule 2)."""

    exact: str
    amount: str
    difference: str
    rule: str


class DiscountReasonOut(Shown):
    """What one coupon takes from the amount; without one, what granted credit does."""

    coupon: str | None
    coupon_key: str | None
    amount: str
    note: str

    @classmethod
    def of(cls, one: DiscountReason, unit: Currency) -> "DiscountReasonOut":
        return cls(
            coupon=one.coupon.id if one.coupon else None, coupon_key=one.coupon.key if one.coupon else None,
            amount=money(one.amount, unit), note=one.note,
        )


class TaxReasonOut(Shown):
    """What one rate puts on what is left, or has in it; without a rate, why there is no tax."""

    rate: str | None
    rate_key: str | None
    percent: str
    category: str
    amount: str
    note: str

    @classmethod
    def of(cls, one: TaxReason, unit: Currency) -> "TaxReasonOut":
        return cls(
            rate=one.tax.rate, rate_key=one.tax.key, percent=plain(one.tax.percent), category=one.tax.category,
            amount=money(one.amount, unit), note=one.note,
        )


class ExplanationOut(Shown):
    """A line's amount, down to the events it came from.

    `amount` is as entered, with the tax in it where its rates are inclusive; `net`, `discount` and `tax` are what the
    invoice shows of the line.
    """

    optional: ClassVar[frozenset[str]] = frozenset({"aggregate", "hours", "events", "ignored", "group"})
    invoice: str
    line: str
    description: str
    reason: str
    currency: str
    period: PeriodOut | None
    group: dict[str, str | None] | None
    quantity: str
    aggregate: AggregateOut | None
    hours: list[HourOut] | None
    steps: list[StepOut]
    exact: str
    amount: str
    rounding: RoundingOut
    discounts: list[DiscountReasonOut]
    taxes: list[TaxReasonOut]
    net: str
    discount: str
    tax: str
    events: EventsOut | None
    ignored: IgnoredOut | None

    @classmethod
    def of(cls, one: Explanation) -> "ExplanationOut":
        line, unit = one.line, currency(one.invoice.currency)
        exact, amount = plain(one.rating.exact), money(one.rating.amount, unit)
        difference = plain(minus(one.rating.amount, one.rating.exact))
        rule = f"once, to {unit.decimals} decimals, half away from zero"
        return cls(
            invoice=one.invoice.id, line=line.id, description=line.description, reason=line.reason,
            currency=one.invoice.currency, period=PeriodOut.of(line.period), quantity=line.quantity,
            group=dict(zip(line.group_by, line.group, strict=True)) if line.group_by else None,
            aggregate=_aggregate(one), hours=_hours(one) if one.meter else None,
            steps=[StepOut.of(step) for step in one.rating.steps], exact=exact, amount=amount,
            rounding=RoundingOut(exact=exact, amount=amount, difference=difference, rule=rule),
            discounts=[DiscountReasonOut.of(each, unit) for each in one.discounts],
            taxes=[TaxReasonOut.of(each, unit) for each in one.taxes], net=money(line.amount, unit),
            discount=money(line.discount, unit), tax=money(line.tax, unit),
            events=None if one.counted is None else EventsOut(
                data=[CountedOut.of(point) for point in one.counted.data], next=one.counted.next
            ),
            ignored=IgnoredOut.of(one.ignored, SHOWN),
        )


def _aggregate(one: Explanation) -> AggregateOut | None:
    if one.meter is None:
        return None
    return AggregateOut(
        meter=one.meter.key, aggregation=one.meter.aggregation.value, value=plain(one.rating.quantity),
        carried=None if one.carried is None else plain(one.carried), events=one.events,
        position=one.invoice.position or 0,
    )


def _hours(one: Explanation) -> list[HourOut]:
    return [
        HourOut(start=hour.period.start, end=hour.period.end, value=plain(hour.value), events=hour.events)
        for hour in one.hours
    ]
