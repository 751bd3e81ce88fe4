"""What a subscription is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from farthing.kernel.problems import Conflict, NotFound
from farthing.pricing.calendar import Anchor, Interval, Period, Schedule, local_day, start_of_day


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer on a plan, from a local day on, in a time zone that stays.

    starts_at       the first instant of its first local day
    ends_at         the end of its last period, None without an end
    billed_through  its last closed boundary (rule 25), None before the first
    still_open      boundaries before that one which are open all the same, rising
    next_boundary   its earliest open boundary, None when the last is closed
    parked          why the boundary at `parked_at` cannot be billed, in words; None when it can
    """

    id: str
    organization: str
    key: str | None
    customer: str
    plan: str
    plan_key: str
    plan_version: int
    currency: str
    interval: Interval
    anchor: Anchor
    timezone: str
    first_day: date
    starts_at: datetime
    ends_at: datetime | None
    canceled_at: datetime | None
    quantities: Mapping[str, Decimal]
    own_usage: bool
    metadata: Mapping[str, object]
    billed_through: datetime | None
    still_open: tuple[datetime, ...]
    next_boundary: datetime | None
    parked: str | None
    parked_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.first_day, self.interval, self.anchor, ZoneInfo(self.timezone))

    def status(self, now: datetime) -> str:
        """scheduled, active, canceled (its end is set) or ended."""
        if self.ends_at is not None and now >= self.ends_at:
            return "ended"
        if now < self.starts_at:
            return "scheduled"
        return "canceled" if self.ends_at is not None else "active"

    def current_period(self) -> Period | None:
        """The period that begins at its last closed boundary, or its first (rule 13); None after its end."""
        begins = self.billed_through or self.starts_at
        if self.ends_at is not None and begins >= self.ends_at:
            return None
        schedule = self.schedule
        return schedule.period(schedule.index_at(begins))

    def same_terms(self, other: "Subscription") -> bool:
        """Whether what either owes at a boundary is rated alike."""
        return _terms(self) == _terms(other)


def _terms(one: Subscription) -> tuple[object, ...]:
    return one.customer, one.plan, one.plan_version, one.quantities, one.ends_at


def beginning(starts_at: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The local day on which a start takes effect, and its first instant (rule 13)."""
    day = local_day(starts_at, zone)
    return day, start_of_day(day, zone)


def found(subscription: Subscription | None, reference: str) -> Subscription:
    """The subscription that was looked for; raises SubscriptionNotFound."""
    if subscription is None:
        raise SubscriptionNotFound(reference)
    return subscription


class SubscriptionNotFound(NotFound):
    """No such subscription in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no subscription {reference[:120]}.")


class SubscriptionKeyTaken(Conflict):
    """A key names one subscription of an organisation."""

    def __init__(self, key: str | None) -> None:
        super().__init__(f"The key {key} already names another subscription.")


class MeterAlreadyPriced(Conflict):
    """A customer's usage of a meter is billed by one subscription (rule 16)."""


class SubscriptionEnded(Conflict):
    """Nothing changes any more after the end, or once the end is billed (rule 13)."""
