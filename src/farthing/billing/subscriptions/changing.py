"""The use cases that change a subscription's life: changes of its terms, pauses, its end."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.invoices.issuing import OwnInvoices
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.subscriptions.accounts import hold_account
from farthing.billing.subscriptions.agreed import versions_of
from farthing.billing.subscriptions.changes import Change, OwnInvoice, Pause, TakenPlan
from farthing.billing.subscriptions.closing import FAR, boundary_at, due_boundaries, ending, rearranged
from farthing.billing.subscriptions.schemas import CancelIn, ChangeIn, PauseIn
from farthing.billing.subscriptions.sharing import refuse_shared_meters
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.terms_given import check_agreements, refuse_unknown
from farthing.billing.subscriptions.values import (
    NotCanceled,
    NotPaused,
    PausedAlready,
    Subscription,
    SubscriptionEnded,
    beginning,
    ending_at,
    found,
)
from farthing.catalog import Catalog, Plan
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.problems import FieldError, Invalid

SOON: Final = timedelta(days=31)  # a boundary that is further away is not waited for (rule 14)
When = Literal["now", "period_end"] | datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """Each changes a subscription from a local midnight on; what that gives back and charges is found when billing."""

    database: Database
    now: Clock
    catalog: Catalog
    own_invoices: OwnInvoices

    def change(self, caller: Caller, reference: str, body: ChangeIn) -> Subscription:
        """Give a subscription another plan, quantities or overrides from a day on (rules 13 and 14).

        raises  SubscriptionNotFound, SubscriptionEnded, PlanNotFound, MeterAlreadyPriced, Invalid
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            current = self._held(connection, caller, reference)
            plan = None if body.plan is None else self.catalog.plan(caller.organization, body.plan, hold=True)
            day = _beginning_day(current, body.at, now, "at")
            change = Change(day, now, _taken(plan), body.quantities, body.overrides)
            changed = replace(current, changes=(*current.changes, change))
            if changed.agreements == current.agreements:
                return current
            plans = self.catalog.plans(caller.organization, versions_of([changed]))
            refuse_unknown(changed, change, plans)
            check_agreements(changed, plans)
            if plan is not None:
                SubscriptionStore(connection).note_plan(changed, plan.id, plan.version)
                refuse_shared_meters(connection, self.catalog, changed, day)
            changed = rearranged(replace(changed, adjusted_from=changed.touched(day)))
            changed = self._asking(changed, day, body.invoice)
            return self._kept(connection, current, changed, now)

    def pause(self, caller: Caller, reference: str, body: PauseIn) -> Subscription:
        """Charge nothing from the end of a local day on (rule 15).

        raises  SubscriptionNotFound, SubscriptionEnded, PausedAlready, Invalid
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            current = self._held(connection, caller, reference)
            start = ending_at(now if body.at == "now" else body.at, ZoneInfo(current.timezone))
            start = max(start, current.starts_at) if body.at == "now" else start
            _refuse_before(current, start, "at")
            _refuse_after(current, start, "at")
            last = current.pauses[-1] if current.pauses else None
            if last is not None and (last.end is None or last.end > min(start, now)):  # apart, and one to come at most
                if last.end is None and last.start == start:
                    return current
                raise PausedAlready(current.id, last.start, last.end)
            if last is not None and last.end == start:
                pauses = (*current.pauses[:-1], Pause(last.start))
            else:
                pauses = (*current.pauses, Pause(start))
            changed = rearranged(replace(current, pauses=pauses, adjusted_from=current.touched(start)))
            return self._kept(connection, current, changed, now)

    def resume(self, caller: Caller, reference: str, body: PauseIn) -> Subscription:
        """Charge again from the beginning of a local day on; on the day of the pause, it never was (rule 13).

        raises  SubscriptionNotFound, SubscriptionEnded, NotPaused, Invalid
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            current = self._held(connection, caller, reference)
            end = beginning(now if body.at == "now" else body.at, ZoneInfo(current.timezone))[1]
            last = current.pauses[-1] if current.pauses else None
            if last is None or (last.end is not None and last.end <= now):
                raise NotPaused(current.id)
            if last.end == end:
                return current
            _refuse_before(current, min(end, last.end or end), "at")
            pauses = current.pauses[:-1] if end <= last.start else (*current.pauses[:-1], Pause(last.start, end))
            touched = replace(current, adjusted_from=current.touched(min(end, last.end or end)))
            return self._kept(connection, current, rearranged(replace(touched, pauses=pauses)), now)

    def cancel(self, caller: Caller, reference: str, body: CancelIn) -> Subscription:
        """End a subscription at the end of a local day, or with its current period (rule 13); again, nothing changes.

        Drafts of what would have come after the end are dropped. Raises SubscriptionNotFound, SubscriptionEnded,
        Invalid.
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            current = found(store.find(caller.organization, reference, lock=True), reference)
            ends_at = _end_for(current, body.at, now)
            if current.ends_at == ends_at and current.canceled_at is not None:
                return current
            changed = replace(ending(current, ends_at), canceled_at=now)
            changed = replace(changed, adjusted_from=current.touched(min(ends_at, current.ends_at or ends_at)))
            changed = self._kept(connection, current, changed, now)
            InvoiceStore(connection).remove_drafts(current.organization, current.id, after=ends_at)
        return changed

    def uncancel(self, caller: Caller, reference: str) -> Subscription:
        """Withdraw a cancellation; raises SubscriptionNotFound, NotCanceled once the end is billed (rule 13).

        Where another subscription has taken its meters meanwhile: MeterAlreadyPriced.
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            named = found(store.find(caller.organization, reference), reference)
            hold_account(connection, caller.organization, named.customer)
            current = found(store.find(caller.organization, named.id, lock=True), reference)
            if current.canceled_at is None or current.ends_at is None or current.current_period() is None:
                state = "is not canceled" if current.canceled_at is None else "has ended, and its end is billed"
                raise NotCanceled(f"Subscription {current.id} {state} (rule 13).")
            changed = replace(ending(current, current.agreed_end), canceled_at=None)
            changed = replace(changed, adjusted_from=current.touched(current.ends_at))
            refuse_shared_meters(connection, self.catalog, changed, current.ends_at)
            return self._kept(connection, current, changed, now)

    def _held(self, connection: Connection, caller: Caller, reference: str) -> Subscription:
        """The subscription, with its customer's account: nobody adds another one meanwhile."""
        store = SubscriptionStore(connection)
        named = found(store.find(caller.organization, reference), reference)
        hold_account(connection, caller.organization, named.customer)
        current = found(store.find(caller.organization, named.id, lock=True), reference)
        if current.current_period() is None:
            raise SubscriptionEnded(f"Subscription {current.id} has ended, and its end is billed (rule 13).")
        return current

    def _asking(self, changed: Subscription, day: datetime, invoice: Literal["now", "next"] | None) -> Subscription:
        """The subscription with the invoice that its last change asks for, unless the next one will do (rule 14)."""
        if invoice is None:
            coming = (one.at for one in due_boundaries(changed, FAR) if one.change is None and one.at >= day)
            following = next(coming, None)
            invoice = "next" if following is not None and following - day <= SOON else "now"
        if invoice == "next":
            return changed
        asked = OwnInvoice(day, len(changed.changes))
        return rearranged(replace(changed, own_invoices=(*changed.own_invoices, asked)))

    def _kept(
        self, connection: Connection, before: Subscription, changed: Subscription, now: datetime
    ) -> Subscription:
        """Store a changed subscription, drop its drafts of moments that are none any more, and make what is due now."""
        changed = replace(changed, version=before.version + 1, updated_at=now)
        SubscriptionStore(connection).save([changed])
        invoices = InvoiceStore(connection)
        drafts = invoices.drafts_of(changed.organization, [changed.id], lock=True)
        gone = [one.id for one in drafts if one.boundary is not None and boundary_at(changed, one.boundary) is None]
        invoices.remove(changed.organization, gone)
        return self.own_invoices.make_due(connection, changed, now)


def _taken(plan: Plan | None) -> TakenPlan | None:
    if plan is None:
        return None
    return TakenPlan(plan.id, plan.key, plan.version, plan.interval, plan.usage_interval)


def _beginning_day(current: Subscription, at: When, now: datetime, field: str) -> datetime:
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
