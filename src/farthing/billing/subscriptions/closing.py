"""How far a subscription has been billed: which boundaries are open, and what closing one leaves (rule 25)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.boundaries import Boundary, boundaries, part_of
from farthing.pricing.calendar import OutsideCalendar

FAR: Final = datetime(9998, 1, 1, tzinfo=UTC)


def due_boundaries(subscription: Subscription, as_of: datetime) -> Iterator[Boundary]:
    """The open boundaries at or before `as_of`, in order."""
    one = subscription
    for at in one.still_open:
        if at <= as_of and (found := boundary_at(one, at)) is not None:
            yield found
    yield from boundaries(one.life, one.billed_through, as_of)


def boundary_at(subscription: Subscription, at: datetime) -> Boundary | None:
    """The boundary at exactly this moment; None when there is none."""
    one = subscription
    if at < one.life.begins_at:
        return None
    found = boundaries(one.life, _before(one, at), at)
    return next((boundary for boundary in found if boundary.at == at), None)


def is_open(subscription: Subscription, at: datetime) -> bool:
    """Whether the boundary at this moment has still to be billed."""
    return subscription.billed_through is None or at > subscription.billed_through or at in subscription.still_open


def closed(subscription: Subscription, boundary: Boundary) -> Subscription:
    """The subscription after this boundary was closed; those skipped on the way there stay open.

    What kept it parked is over when it was this boundary.
    """
    one, at = unparked(subscription, boundary.at), boundary.at
    if at == one.next_boundary and not one.still_open:  # the usual one: the next in order
        return replace(one, billed_through=at, next_boundary=boundary.following)
    skipped = {each.at for each in boundaries(one.life, one.billed_through, at)}
    still_open = tuple(sorted(skipped.union(one.still_open) - {at}))
    return _with_next(replace(one, billed_through=max(one.billed_through or at, at), still_open=still_open))


def reopened(subscription: Subscription, at: datetime) -> Subscription:
    """The subscription after the invoice of a closed boundary was voided to be billed anew (rule 20)."""
    one = subscription
    if at != one.billed_through:
        return _with_next(replace(one, still_open=tuple(sorted({*one.still_open, at}))))
    last = _before(one, at)
    while last in one.still_open:
        last = _before(one, last)
    still_open = tuple(each for each in one.still_open if last is not None and each < last)
    return _with_next(replace(one, billed_through=last, still_open=still_open))


def ending(subscription: Subscription, ends_at: datetime | None) -> Subscription:
    """The subscription with an end that nobody has billed yet; what would lie behind it is no boundary any more."""
    changed = replace(subscription, ends_at=ends_at)
    if ends_at is not None and changed.parked_at is not None and changed.parked_at > ends_at:
        changed = replace(changed, parked=None, parked_at=None)
    return _with_next(changed)


def opened(subscription: Subscription) -> Subscription:
    """A new subscription that knows its first boundary."""
    return _with_next(subscription)


def parked(subscription: Subscription, at: datetime, reason: str) -> Subscription:
    """The subscription that cannot be billed for this boundary, and why."""
    return replace(subscription, parked=reason, parked_at=at)


def unparked(subscription: Subscription, at: datetime) -> Subscription:
    """The subscription after this boundary turned out well."""
    return replace(subscription, parked=None, parked_at=None) if subscription.parked_at == at else subscription


def _before(subscription: Subscription, at: datetime) -> datetime | None:
    """The boundary before the one at `at`; None before the first."""
    life = subscription.life
    if at <= life.begins_at:
        return None
    n = life.usage.index_at(at)
    while (start := part_of(life.usage, n, life.ends_at).period.start) >= at:  # some last no time
        n -= 1
    return start


def _with_next(subscription: Subscription) -> Subscription:
    """The subscription that knows its earliest open boundary; none when the last one is closed."""
    return replace(subscription, next_boundary=next(_open(subscription), None))


def _open(subscription: Subscription) -> Iterator[datetime]:
    one = subscription
    yield from one.still_open
    try:
        for boundary in boundaries(one.life, one.billed_through, FAR):
            yield boundary.at
    except OutsideCalendar:
        return
