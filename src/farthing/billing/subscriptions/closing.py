"""How far a subscription has been billed: which boundaries are open, and what closing one leaves (rule 25)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import chain
from typing import Final

from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.boundaries import Boundary, boundaries
from farthing.pricing.calendar import OutsideCalendar

FAR: Final = datetime(9998, 1, 1, tzinfo=UTC)
_MOMENT: Final = timedelta(microseconds=1)


def due_boundaries(subscription: Subscription, as_of: datetime) -> Iterator[Boundary]:
    """The open boundaries at or before `as_of`, in order, with the invoices of their own that changes asked for."""
    one = subscription
    own = [Boundary(asked.at, None, None, None, None, asked.change) for asked in one.own_invoices if asked.at <= as_of]
    skipped = (boundary_at(one, at) for at in one.still_open if at <= as_of)
    opened = chain((each for each in skipped if each is not None), boundaries(one.life, one.billed_through, as_of))
    last = None
    for last in merge(own, opened, key=lambda boundary: boundary.at) if own else opened:
        yield last
    if last is None and one.late_open and (late := late_boundary(one)).at <= as_of:
        yield late


def late_boundary(subscription: Subscription) -> Boundary:
    """Where what comes late is billed once the last boundary is closed (rule 25)."""
    return Boundary(subscription.ends_at or subscription.billed_through or FAR, None, None, None, None, late=True)


def takes_late(subscription: Subscription, boundary: Boundary) -> bool:
    """Whether what came late joins here: on the first open boundary, and on no change's own invoice (rule 18)."""
    one = subscription
    if boundary.late or boundary.change is not None:
        return boundary.late
    if not one.own_invoices:
        return boundary.at == one.next_boundary
    coming = (each.at for each in due_boundaries(one, boundary.at) if each.change is None)
    return next(coming, None) == boundary.at


def boundary_at(subscription: Subscription, at: datetime) -> Boundary | None:
    """The boundary at exactly this moment; None when there is none."""
    one = subscription
    if at < one.life.begins_at:
        return None
    found = boundaries(one.life, _before(one, at), at)
    return next((boundary for boundary in found if boundary.at == at), None)


def is_still_open(subscription: Subscription, boundary: Boundary) -> bool:
    """Whether a boundary, a change's own invoice, or what comes after the last boundary has still to be billed."""
    if boundary.late:
        return subscription.next_boundary is None or subscription.late_open
    return is_open(subscription, boundary.at, boundary.change)


def is_open(subscription: Subscription, at: datetime, change: int | None = None) -> bool:
    """Whether the boundary at this moment, or a change's own invoice, has still to be billed."""
    if change is not None:
        return any(one.change == change for one in subscription.own_invoices)
    return subscription.billed_through is None or at > subscription.billed_through or at in subscription.still_open


def closed(subscription: Subscription, boundary: Boundary, late_through: int | None = None) -> Subscription:
    """The subscription after this boundary was closed; those skipped on the way there stay open.

    What kept it parked is over when it was this boundary.
    late_through  the position up to which what came late is accounted for with it; None where nobody looked
    """
    one, at = unparked(subscription, boundary.at), boundary.at
    if late_through is not None:
        one = replace(one, late_through=late_through)
    if boundary.late:
        return _with_next(replace(one, late_open=False))
    if boundary.change is not None:
        waiting = tuple(asked for asked in one.own_invoices if asked.change != boundary.change)
        return _with_next(replace(one, own_invoices=waiting))
    if any(era.begins_at == at for era in one.life.later):
        one = replace(one, cuts=tuple(sorted({*one.cuts, at})))
    if at == one.next_boundary and not one.still_open and not one.own_invoices:  # the usual one: the next in order
        return replace(one, billed_through=at, next_boundary=boundary.following)
    skipped = {each.at for each in boundaries(one.life, one.billed_through, at)}
    still_open = tuple(sorted(skipped.union(one.still_open) - {at}))
    return _with_next(replace(one, billed_through=max(one.billed_through or at, at), still_open=still_open))


def reopened(subscription: Subscription, at: datetime) -> Subscription:
    """The subscription after the invoice of a closed boundary was voided to be billed anew (rule 20)."""
    one = subscription
    if at != one.billed_through:
        return _with_next(replace(one, still_open=tuple(sorted({*one.still_open, at}))))
    one = replace(one, cuts=tuple(cut for cut in one.cuts if cut != at))  # it is one only where a change left it
    last = _before(one, at)
    while last in one.still_open:
        last = _before(one, last)
    still_open = tuple(each for each in one.still_open if last is not None and each < last)
    return _with_next(replace(one, billed_through=last, still_open=still_open))


def reopened_late(subscription: Subscription) -> Subscription:
    """The subscription once what came late has to be looked at again from the beginning (rules 18 and 20).

    It joins the next boundary; where there is none any more, the next run makes an invoice of it.
    """
    one = replace(subscription, late_through=0)
    return _with_next(replace(one, late_open=one.next_boundary is None and one.billed_through is not None))


def ending(subscription: Subscription, ends_at: datetime | None) -> Subscription:
    """The subscription with an end that nobody has billed yet; what would lie behind it is no boundary any more.

    One that ends where it began has no boundary at all: what it was billed for its first period is given back after it.
    """
    changed = replace(subscription, ends_at=ends_at)
    nothing_left = ends_at is not None and ends_at <= changed.life.begins_at
    changed = replace(changed, late_open=nothing_left and changed.billed_through is not None)
    if ends_at is not None and changed.parked_at is not None and changed.parked_at > ends_at:
        changed = replace(changed, parked=None, parked_at=None)
    return _with_next(changed)


def rearranged(subscription: Subscription) -> Subscription:
    """The subscription after its periods or its days have changed; what parked a moment that is none is over."""
    one = subscription
    if one.parked_at is not None and boundary_at(one, one.parked_at) is None:
        one = replace(one, parked=None, parked_at=None)
    return _with_next(one)


def opened(subscription: Subscription) -> Subscription:
    """A new subscription that knows its first boundary."""
    return _with_next(subscription)


def parked(subscription: Subscription, at: datetime, reason: str) -> Subscription:
    """The subscription that cannot be billed for this boundary, and why."""
    one = replace(subscription, parked=reason, parked_at=at)
    return _with_next(replace(one, late_open=True)) if one.next_boundary is None else one


def unparked(subscription: Subscription, at: datetime) -> Subscription:
    """The subscription after this boundary turned out well."""
    return replace(subscription, parked=None, parked_at=None) if subscription.parked_at == at else subscription


def _before(subscription: Subscription, at: datetime) -> datetime | None:
    """The boundary before the one at `at`; None before the first."""
    life = subscription.life
    return None if at <= life.begins_at else life.usage_start(at - _MOMENT)


def _with_next(subscription: Subscription) -> Subscription:
    """The subscription that knows its earliest open boundary; none when the last one is closed."""
    return replace(subscription, next_boundary=next(_open(subscription), None))


def _open(subscription: Subscription) -> Iterator[datetime]:
    try:
        for boundary in due_boundaries(subscription, FAR):
            yield boundary.at
    except OutsideCalendar:
        return
