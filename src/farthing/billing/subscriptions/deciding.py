"""What a call makes of a subscription, or why it is refused: without a store, also for whoever only asks what would be.

Rules 13 to 15.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from farthing.billing.subscriptions.agreed import Plans
from farthing.billing.subscriptions.changes import Change, OwnInvoice, Pause, TakenPlan
from farthing.billing.subscriptions.closing import FAR, due_boundaries, ending, rearranged
from farthing.billing.subscriptions.schemas import CancelIn, ChangeIn, PauseIn
from farthing.billing.subscriptions.terms_given import check_agreements, refuse_unknown
from farthing.billing.subscriptions.values import (
    NotPaused,
    PausedAlready,
    Subscription,
    SubscriptionEnded,
    beginning,
    ending_at,
)
from farthing.catalog import Plan
from farthing.kernel.clock import instant_text
from farthing.kernel.problems import FieldError, Invalid

SOON: Final = timedelta(days=31)  # a boundary that is further away is not waited for (rule 14)
When = Literal["now", "period_end"] | datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """A subscription as a call makes it, itself where that changes nothing; `day` is the earliest that is touched."""

    subscription: Subscription
    day: datetime


def living(current: Subscription) -> Subscription:
    """The subscription, if its end is not billed; raises SubscriptionEnded."""
    if current.current_period() is None:
        raise SubscriptionEnded(f"Subscription {current.id} has ended, and its end is billed (rule 13).")
    return current


def change(current: Subscription, body: ChangeIn, plan: Plan | None, plans: Plans, now: datetime) -> Decided:
    """Another plan, quantities or overrides from a day on (rules 13 and 14); raises SubscriptionEnded, Invalid.

    plan   the one that `body` names
    plans  it, and all versions that the subscription has or had
    """
    day = beginning_day(living(current), body.at, now, "at")
    one = Change(day, now, _taken(plan), body.quantities, body.overrides)
    changed = replace(current, changes=(*current.changes, one))
    if changed.agreements == current.agreements:
        return Decided(current, day)
    refuse_unknown(changed, one, plans)
    check_agreements(changed, plans)
    changed = rearranged(replace(changed, adjusted_from=changed.touched(day)))
    return Decided(_asking(changed, day, body.invoice), day)


def pause(current: Subscription, body: PauseIn, now: datetime) -> Decided:
    """Charge nothing from the end of a local day on (rule 15); raises SubscriptionEnded, PausedAlready, Invalid."""
    living(current)
    start = ending_at(now if body.at == "now" else body.at, ZoneInfo(current.timezone))
    start = max(start, current.starts_at) if body.at == "now" else start
    _refuse_before(current, start, "at")
    _refuse_after(current, start, "at")
    last = current.pauses[-1] if current.pauses else None
    if last is not None and (last.end is None or last.end > min(start, now)):  # apart, and one to come at most
        if last.end is None and last.start == start:
            return Decided(current, start)
        raise PausedAlready(current.id, last.start, last.end)
    if last is not None and last.end == start:
        pauses = (*current.pauses[:-1], Pause(last.start))
    else:
        pauses = (*current.pauses, Pause(start))
    return Decided(rearranged(replace(current, pauses=pauses, adjusted_from=current.touched(start))), start)


def resume(current: Subscription, body: PauseIn, now: datetime) -> Decided:
    """Charge again from the beginning of a local day on; on the day of the pause, it never was (rule 13).

    raises  SubscriptionEnded, NotPaused, Invalid
    """
    living(current)
    end = beginning(now if body.at == "now" else body.at, ZoneInfo(current.timezone))[1]
    last = current.pauses[-1] if current.pauses else None
    if last is None or (last.end is not None and last.end <= now):
        raise NotPaused(current.id)
    if last.end == end:
        return Decided(current, end)
    day = min(end, last.end or end)
    _refuse_before(current, day, "at")
    pauses = current.pauses[:-1] if end <= last.start else (*current.pauses[:-1], Pause(last.start, end))
    return Decided(rearranged(replace(current, pauses=pauses, adjusted_from=current.touched(day))), day)


def cancel(current: Subscription, body: CancelIn, now: datetime) -> Decided:
    """End it at the end of a local day, or with its current period (rule 13); raises SubscriptionEnded, Invalid."""
    ends_at = _end_for(current, body.at, now)
    day = min(ends_at, current.ends_at or ends_at)
    if current.ends_at == ends_at and current.canceled_at is not None:
        return Decided(current, day)
    return Decided(replace(ending(current, ends_at), canceled_at=now, adjusted_from=current.touched(day)), day)


def _asking(changed: Subscription, day: datetime, invoice: Literal["now", "next"] | None) -> Subscription:
    """The subscription with the invoice that its last change asks for, unless the next one will do (rule 14)."""
    if invoice is None:
        coming = (one.at for one in due_boundaries(changed, FAR) if one.change is None and one.at >= day)
        following = next(coming, None)
        invoice = "next" if following is not None and following - day <= SOON else "now"
    if invoice == "next":
        return changed
    asked = OwnInvoice(day, len(changed.changes))
    return rearranged(replace(changed, own_invoices=(*changed.own_invoices, asked)))


def _taken(plan: Plan | None) -> TakenPlan | None:
    if plan is None:
        return None
    return TakenPlan(plan.id, plan.key, plan.version, plan.interval, plan.usage_interval)


def beginning_day(current: Subscription, at: When, now: datetime, field: str) -> datetime:
    """The local midnight from which a change holds (rule 13); raises Invalid."""
    zone = ZoneInfo(current.timezone)
    if at == "period_end":
        period = current.current_period()
        day = current.starts_at if period is None else period.end
    elif at == "now":
        day = max(beginning(now, zone)[1], current.starts_at)
    else:
        day = beginning(at, zone)[1]
    _refuse_before(current, day, field)
    _refuse_after(current, day, field)
    return day


def _refuse_before(current: Subscription, day: datetime, field: str) -> None:
    period = current.current_period()
    if period is not None and day < period.start:
        message = f"must not lie before the current period, which began at {instant_text(period.start)} (rule 13)"
        raise Invalid(f"{field} {message}.", [FieldError(field, message)])


def _refuse_after(current: Subscription, day: datetime, field: str) -> None:
    if current.ends_at is not None and day >= current.ends_at:
        message = f"must lie before the subscription's end at {instant_text(current.ends_at)} (rule 13)"
        raise Invalid(f"{field} {message}.", [FieldError(field, message)])


def _end_for(current: Subscription, at: When, now: datetime) -> datetime:
    """The end that a cancellation means (rule 13); raises SubscriptionEnded, Invalid for one that is billed past."""
    period = replace(current, ends_at=current.agreed_end).current_period()
    if period is None or current.current_period() is None:
        raise SubscriptionEnded(f"Subscription {current.id} has ended, and its end is billed (rule 13).")
    if at == "period_end":
        return period.end
    ends_at = ending_at(now if at == "now" else at, ZoneInfo(current.timezone))
    if at == "now" and current.billed_through is None:  # one that has not begun need not begin
        ends_at = max(ends_at, current.starts_at)
    _refuse_before(current, ends_at, "at")
    return min(ends_at, current.agreed_end or ends_at)
