"""The use cases that change a subscription's life: changes of its terms, pauses, its end."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.invoices.issuing import OwnInvoices
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.subscriptions import deciding
from farthing.billing.subscriptions.accounts import hold_account
from farthing.billing.subscriptions.agreed import versions_of
from farthing.billing.subscriptions.closing import boundary_at, ending
from farthing.billing.subscriptions.deciding import Decided
from farthing.billing.subscriptions.schemas import CancelIn, ChangeIn, PauseIn
from farthing.billing.subscriptions.sharing import refuse_shared_meters
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import NotCanceled, Subscription, found
from farthing.catalog import Catalog
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database


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
            decided = asked_change(connection, self.catalog, current, body, now, hold=True)
            return self.keep(connection, current, decided.subscription, now)

    def pause(self, caller: Caller, reference: str, body: PauseIn) -> Subscription:
        """Charge nothing from the end of a local day on (rule 15).

        raises  SubscriptionNotFound, SubscriptionEnded, PausedAlready, Invalid
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            current = self._held(connection, caller, reference)
            return self.keep(connection, current, deciding.pause(current, body, now).subscription, now)

    def resume(self, caller: Caller, reference: str, body: PauseIn) -> Subscription:
        """Charge again from the beginning of a local day on; on the day of the pause, it never was (rule 13).

        raises  SubscriptionNotFound, SubscriptionEnded, NotPaused, Invalid
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            current = self._held(connection, caller, reference)
            return self.keep(connection, current, deciding.resume(current, body, now).subscription, now)

    def cancel(self, caller: Caller, reference: str, body: CancelIn) -> Subscription:
        """End a subscription at the end of a local day, or with its current period (rule 13); again, nothing changes.

        Drafts of what would have come after the end are dropped. Raises SubscriptionNotFound, SubscriptionEnded,
        Invalid.
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            current = found(store.find(caller.organization, reference, lock=True), reference)
            decided = deciding.cancel(current, body, now).subscription
            changed = self.keep(connection, current, decided, now)
            if changed is not current and changed.ends_at is not None:
                InvoiceStore(connection).remove_drafts(current.organization, current.id, after=changed.ends_at)
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
            if current.canceled_at is None or current.ends_at is None or current.is_billed_to_its_end:
                state = "is not canceled" if current.canceled_at is None else "has ended, and its end is billed"
                raise NotCanceled(f"Subscription {current.id} {state} (rule 13).")
            changed = replace(ending(current, current.agreed_end), canceled_at=None)
            changed = replace(changed, adjusted_from=current.touched(current.ends_at))
            refuse_shared_meters(connection, self.catalog, changed, current.ends_at)
            return self.keep(connection, current, changed, now)

    def _held(self, connection: Connection, caller: Caller, reference: str) -> Subscription:
        """The subscription, with its customer's account: nobody adds another one meanwhile."""
        store = SubscriptionStore(connection)
        named = found(store.find(caller.organization, reference), reference)
        hold_account(connection, caller.organization, named.customer)
        return found(store.find(caller.organization, named.id, lock=True), reference)

    def keep(
        self, connection: Connection, before: Subscription, changed: Subscription, now: datetime
    ) -> Subscription:
        """Store what was decided of a subscription that is held, where that is not what it was.

        Its drafts of moments that are none any more are dropped, and what is due now is made.
        """
        if changed is before:
            return before
        changed = replace(changed, version=before.version + 1, updated_at=now)
        store = SubscriptionStore(connection)
        store.save([changed])
        if len(changed.changes) > len(before.changes):
            store.note_plans(changed, [one.plan for one in changed.changes[len(before.changes):] if one.plan])
        invoices = InvoiceStore(connection)
        drafts = invoices.drafts_of(changed.organization, [changed.id], lock=True)
        gone = [one.id for one in drafts if one.boundary is not None and boundary_at(changed, one.boundary) is None]
        invoices.remove(changed.organization, gone)
        return self.own_invoices.make_due(connection, changed, now)


def asked_change(
    connection: Connection, catalog: Catalog, current: Subscription, body: ChangeIn, now: datetime, hold: bool
) -> Decided:
    """What a change makes of a subscription, by the plans that there are and its customer's other subscriptions.

    hold    the plan stays as it is until the transaction ends: for whoever stores what comes of it
    raises  SubscriptionEnded, PlanNotFound, MeterAlreadyPriced, Invalid
    """
    deciding.living(current)
    plan = None if body.plan is None else catalog.plan(current.organization, body.plan, hold)
    wanted = versions_of([current]) | ({(plan.id, plan.version)} if plan else set())
    decided = deciding.change(current, body, plan, catalog.plans(current.organization, wanted), now)
    if plan is not None and decided.subscription is not current:
        refuse_shared_meters(connection, catalog, decided.subscription, decided.day)
    return decided
