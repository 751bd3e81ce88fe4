"""How far a subscription has been billed: which boundaries are open, and what closing one leaves (rule 25)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.boundaries import Boundary, boundaries
from farthing.pricing.calendar import OutsideCalendar

FAR: Final = datetime(9998, 1, 1, tzinfo=UTC)


def due_boundaries(subscription: Subscription, still_open: Collection[datetime], as_of: datetime) -> list[Boundary]:
    """The open boundaries at or before `as_of`, in order; `still_open` are those before the last closed one."""
    one = subscription
    reopened = [found for at in sorted(still_open) if at <= as_of for found in [boundary_at(one, at)] if found]
    ahead = boundaries(one.schedule, one.ends_at, one.billed_through, as_of)
    return [*reopened, *ahead]


def boundary_at(subscription: Subscription, at: datetime) -> Boundary | None:
    """The boundary at exactly this moment; None when there is none."""
    schedule = subscription.schedule
    if at < subscription.starts_at:
        return None
    before = schedule.period(schedule.index_at(at) - 1).start if at > subscription.starts_at else None
    found = [one for one in boundaries(schedule, subscription.ends_at, before, at) if one.at == at]
    return found[0] if found else None


def closed(
    subscription: Subscription, at: datetime, still_open: Collection[datetime]
) -> tuple[Subscription, Sequence[datetime]]:
    """The subscription after its boundary at `at` was closed, and what is open before its last closed one."""
    ahead = boundaries(subscription.schedule, subscription.ends_at, subscription.billed_through, at)
    skipped = [one.at for one in ahead if one.at != at]
    remaining = sorted({*still_open, *skipped} - {at})
    through = max(subscription.billed_through or at, at)
    changed = replace(subscription, billed_through=through)
    return replace(changed, next_boundary=next_open(changed, remaining)), remaining


def reopened(
    subscription: Subscription, at: datetime, still_open: Collection[datetime]
) -> tuple[Subscription, Sequence[datetime]]:
    """The subscription after the invoice of a closed boundary was voided to be billed anew (rule 20)."""
    remaining = sorted({*still_open, at})
    return replace(subscription, next_boundary=next_open(subscription, remaining)), remaining


def next_open(subscription: Subscription, still_open: Collection[datetime]) -> datetime | None:
    """The earliest open boundary; None when the last one is closed."""
    return min([*still_open, *_ahead(subscription)], default=None)


def _ahead(subscription: Subscription) -> Iterator[datetime]:
    try:
        for one in boundaries(subscription.schedule, subscription.ends_at, subscription.billed_through, FAR):
            yield one.at
            return
    except OutsideCalendar:
        return
