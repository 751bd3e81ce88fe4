"""What a subscription is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from farthing.billing.subscriptions.changes import Agreed, Change, OwnInvoice, Pause, TakenPlan, agreements
from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Conflict, NotFound
from farthing.pricing.boundaries import Era, Life
from farthing.pricing.calendar import Anchor, Interval, Period, Schedule, local_day, start_of_day


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer on a plan, from a local day on, in a time zone that stays.

    first_day       its first paid local day
    starts_at       the first instant of its first local day
    trial_ends_at   the first instant of its first paid day, where a trial came before it
    ends_at         the first instant of the local day after its last, None without an end
    agreed_end      the end it was made with, to which withdrawing a cancellation returns
    overrides       by price key: fields of prices that differ for it from the plan's, as JSON
    billed_through  its last closed boundary (rule 25), None before the first
    still_open      boundaries before that one which are open all the same, rising
    next_boundary   its earliest open boundary, None when the last is closed
    changes         what calls changed in it, in their order
    pauses          rising, apart; the last one may last
    cuts            closed boundaries at which a change began a new period, rising: they stay, whatever is changed later
    own_invoices    that changes asked for and that are still to be made
    adjusted_from   the earliest day that a change, a pause, or an end set later has touched; None without any
    late_through    what came late among the events up to here is accounted for (rule 18)
    late_open       ended, and what came late is to be looked at again
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
    usage_interval: Interval
    anchor: Anchor
    timezone: str
    first_day: date
    starts_at: datetime
    trial_ends_at: datetime | None
    ends_at: datetime | None
    agreed_end: datetime | None
    canceled_at: datetime | None
    quantities: Mapping[str, Decimal]
    overrides: Mapping[str, Mapping[str, Any]]  # Any: JSON
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
    changes: tuple[Change, ...] = ()
    pauses: tuple[Pause, ...] = ()
    cuts: tuple[datetime, ...] = ()
    own_invoices: tuple[OwnInvoice, ...] = ()
    adjusted_from: datetime | None = None
    late_through: int = 0
    late_open: bool = False

    @property
    def agreements(self) -> tuple[Agreed, ...]:
        """What holds from when on; the first from its beginning."""
        return agreements(self.original, self.changes)

    @property
    def original(self) -> Agreed:
        """What it was made with; it holds for no day where a change of its first day says otherwise."""
        taken = TakenPlan(self.plan, self.plan_key, self.plan_version, self.interval, self.usage_interval)
        return Agreed(self.starts_at, taken, self.quantities, self.overrides)

    def agreed_at(self, instant: datetime) -> Agreed:
        """What holds at an instant."""
        known = self.agreements
        return next((one for one in reversed(known) if one.since <= instant), known[0])

    @property
    def life(self) -> Life:
        """The periods that it lives through."""
        first, *later = self._eras()
        return Life(first.fees, first.usage, self.ends_at, tuple(later), self.cuts)

    def _eras(self) -> list[Era]:
        """The schedules that plans of other intervals gave it, none before its first paid day (rules 14 and 15)."""
        known = self.agreements if self.changes else (self.original,)
        eras = [self._era(self.first_day, known[0].plan.interval, known[0].plan.usage_interval)]
        for before, now in pairwise(known):
            lengths = now.plan.interval, now.plan.usage_interval
            if lengths != (before.plan.interval, before.plan.usage_interval):
                day = max(local_day(now.since, ZoneInfo(self.timezone)), self.first_day)
                if eras[-1].fees.first == day:
                    eras.pop()
                eras.append(self._era(day, *lengths))
        return eras

    def _era(self, first: date, interval: Interval, usage_interval: Interval) -> Era:
        fees = Schedule(first, interval, self.anchor, ZoneInfo(self.timezone))
        if usage_interval == interval:
            return Era(fees, fees)
        return Era(fees, Schedule(first, usage_interval, self.anchor, ZoneInfo(self.timezone)))

    def status(self, now: datetime) -> str:
        """scheduled, trialing, active, paused, canceled (its end is set) or ended."""
        if self.ends_at is not None and now >= self.ends_at:
            return "ended"
        if now < self.starts_at:
            return "scheduled"
        if any(one.start <= now and (one.end is None or now < one.end) for one in self.pauses):
            return "paused"
        if self.canceled_at is not None:
            return "canceled"
        return "trialing" if self.trial_ends_at is not None and now < self.trial_ends_at else "active"

    @property
    def is_billed_to_its_end(self) -> bool:
        """Whether the boundary at its end is closed; where it ends before its first paid day, there is none."""
        return self.ends_at is not None and self.billed_through is not None and self.billed_through >= self.ends_at

    def current_period(self) -> Period | None:
        """From its last closed boundary, or its start, to the end of the plan period that holds it (rule 13).

        A trial is a period of its own; None after the end.
        """
        begins = self.billed_through or self.starts_at
        if self.ends_at is not None and begins >= self.ends_at:
            return None
        if self.trial_ends_at is not None and begins < self.trial_ends_at:
            return Period(begins, min(self.trial_ends_at, self.ends_at or self.trial_ends_at))
        return Period(begins, self.life.fee_part(begins).period.end)

    def touched(self, day: datetime) -> datetime:
        """The earliest day that was touched, once this one is."""
        return day if self.adjusted_from is None else min(self.adjusted_from, day)

    def same_terms(self, other: "Subscription") -> bool:
        """Whether what either owes at a boundary is rated alike."""
        return _rated_by(self) == _rated_by(other)


def _rated_by(one: Subscription) -> tuple[object, ...]:
    terms = one.customer, one.plan, one.plan_version, one.quantities, one.overrides, one.ends_at
    if one.adjusted_from is None:
        return terms
    return *terms, one.changes, one.pauses, one.cuts, one.own_invoices, one.still_open


def beginning(starts_at: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The local day on which a start takes effect, and its first instant (rule 13)."""
    day = local_day(starts_at, zone)
    return day, start_of_day(day, zone)


def ending_at(at: datetime, zone: ZoneInfo) -> datetime:
    """The end of the local day on which an end takes effect; a local midnight is itself the border (rule 13)."""
    day = local_day(at, zone)
    begin = start_of_day(day, zone)
    return begin if begin == at else start_of_day(day + timedelta(days=1), zone)


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


class NotCanceled(Conflict):
    """There is no cancellation to withdraw, or its end is billed (rule 13)."""


class PausedAlready(Conflict):
    """Pauses lie apart (rule 15)."""

    def __init__(self, id: str, start: datetime, end: datetime | None) -> None:
        until = "" if end is None else f" until {instant_text(end)}"
        super().__init__(f"Subscription {id} is paused from {instant_text(start)} on{until} (rule 15).")


class NotPaused(Conflict):
    """There is no pause to end (rule 15)."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Subscription {id} is not paused (rule 15).")


class SubscriptionEnded(Conflict):
    """Nothing changes any more after the end, or once the end is billed (rule 13)."""
