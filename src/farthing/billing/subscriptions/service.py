"""The use cases of subscriptions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.subscriptions.accounts import held_customer
from farthing.billing.subscriptions.closing import ending
from farthing.billing.subscriptions.schemas import CancelIn, SubscriptionIn, SubscriptionPatch
from farthing.billing.subscriptions.store import Search, SubscriptionStore
from farthing.billing.subscriptions.values import (
    MeterAlreadyPriced,
    Subscription,
    SubscriptionEnded,
    beginning,
    found,
)
from farthing.catalog import Catalog, Plan
from farthing.customers import Customer, CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid, NotAvailableYet
from farthing.kernel.schemas import merged, parsed, resent
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.calendar import Anchor, NotAPeriodStart, OutsideCalendar, Schedule
from farthing.pricing.prices import Flat
from farthing.usage import Subjects


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Customers on plans; each bills the usage of its meters alone (rule 16)."""

    database: Database
    now: Clock
    new_id: NewId
    customers: CustomerBook
    catalog: Catalog
    subjects: Subjects

    def create(self, caller: Caller, body: SubscriptionIn) -> Subscription:
        """Put a customer on a plan from a local day on, also one in the past (rule 13).

        raises Invalid, NotAvailableYet, SubscriptionKeyTaken, MeterAlreadyPriced and the rooms' not-founds
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            customer = held_customer(connection, self.customers, caller.organization, body.customer)
            plan = self.catalog.plan(caller.organization, body.plan, hold=True)
            subscription = self._new(customer, plan, body, now)
            if not subscription.own_usage:
                self._refuse_shared_meters(subscription, plan, store.of_customer(caller.organization, customer.id))
            store.add(subscription)
            names = [name for name in (subscription.id, subscription.key) if name]
            self.subjects.bind(caller.organization, names, customer.id, subscription.id)
        return subscription

    def get(self, organization: str, reference: str) -> Subscription:
        """By id or key; raises SubscriptionNotFound."""
        with self.database.read() as connection:
            return found(SubscriptionStore(connection).find(organization, reference), reference)

    def page(self, caller: Caller, search: Search, listing: Listing) -> Page[Subscription]:
        """The subscriptions, oldest first; raises CustomerNotFound."""
        if search.customer is not None:
            search = replace(search, customer=self.customers.get(caller.organization, search.customer).id)
        with self.database.read() as connection:
            store = SubscriptionStore(connection)
            rows = store.page(caller.organization, search, listing.position, listing.limit + 1)
        return listing.page(rows, lambda subscription: subscription.id)

    def customer_keys(self, caller: Caller, subscriptions: Iterable[Subscription]) -> Mapping[str, str | None]:
        """The keys of their customers, by customer id, in one question."""
        return self.customers.keys(caller.organization, {subscription.customer for subscription in subscriptions})

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Subscription:
        """Lay a JSON merge patch over the metadata; raises SubscriptionNotFound, Stale, Invalid."""
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            current = found(store.find(caller.organization, reference, lock=True), reference)
            precondition.demand(current.version)
            body = parsed(SubscriptionPatch, merged(resent(SubscriptionPatch, current), patch))
            changed = self._touched(replace(current, metadata=body.metadata))
            store.save([changed])
        return changed

    def cancel(self, caller: Caller, reference: str, body: CancelIn) -> Subscription:
        """End a subscription with its current period (rule 13); again, nothing changes.

        Drafts of what would have come after the end are dropped. Raises SubscriptionNotFound, SubscriptionEnded,
        NotAvailableYet for any other moment than `period_end`.
        """
        if body.at != "period_end":
            message = "is not available yet but for period_end"
            raise NotAvailableYet("Cancelling at another moment than period_end", [FieldError("at", message)])
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            current = found(store.find(caller.organization, reference, lock=True), reference)
            period = current.current_period()
            if period is None:
                raise SubscriptionEnded(f"Subscription {current.id} has ended, and its end is billed (rule 13).")
            if current.ends_at == period.end:
                return current
            changed = self._touched(replace(ending(current, period.end), canceled_at=now))
            store.save([changed])
            InvoiceStore(connection).remove_drafts(current.organization, current.id, after=period.end)
        return changed

    def _touched(self, subscription: Subscription) -> Subscription:
        return replace(
            subscription, version=subscription.version + 1, updated_at=self.now(subscription.organization)
        )

    def _new(self, customer: Customer, plan: Plan, body: SubscriptionIn, now: datetime) -> Subscription:
        if plan.currency != customer.currency:
            message = f"plan {plan.key} is in {plan.currency}, the customer is billed in {customer.currency}"
            raise Invalid(f"{message} (rule 23).", [FieldError("plan", message)])
        day, starts_at = _first_day(body, plan, ZoneInfo(customer.timezone))
        return Subscription(
            id=self.new_id("sub", now), organization=customer.organization, key=body.key, customer=customer.id,
            plan=plan.id, plan_key=plan.key, plan_version=plan.version, currency=plan.currency,
            interval=plan.interval, anchor=Anchor(body.anchor), timezone=customer.timezone, first_day=day,
            starts_at=starts_at, ends_at=None, canceled_at=None,
            quantities=_checked_quantities(plan, body.quantities), own_usage=body.own_usage, metadata=body.metadata,
            billed_through=None, still_open=(), next_boundary=starts_at, parked=None, parked_at=None, version=1,
            created_at=now, updated_at=now,
        )

    def _refuse_shared_meters(self, new: Subscription, plan: Plan, others: list[Subscription]) -> None:
        living = [
            other for other in others
            if not other.own_usage and (other.ends_at is None or other.ends_at > new.starts_at)
        ]
        plans = self.catalog.plans(new.organization, {(other.plan, other.plan_version) for other in living})
        mine = metered(plan)
        for other in living:
            if shared := sorted(mine & metered(plans[other.plan, other.plan_version])):
                raise MeterAlreadyPriced(
                    f"Subscription {other.id} already prices the meter {shared[0]} for customer {new.customer}; "
                    "make this one with own_usage, so that it counts only events that name it (rule 16)."
                )


def metered(plan: Plan) -> frozenset[str]:
    """The keys of the meters that a plan prices."""
    return frozenset(price.meter for price in plan.prices if price.meter is not None)


def _first_day(body: SubscriptionIn, plan: Plan, zone: ZoneInfo) -> tuple[date, datetime]:
    """The local day on which the first full period starts, and its first instant; raises Invalid, NotAvailableYet."""
    anchor = Anchor(body.anchor)
    if anchor is Anchor.CALENDAR and plan.interval.count != 1:
        message = "must be anniversary: calendar periods have an interval_count of 1 (rule 12)"
        raise Invalid(f"anchor {message}.", [FieldError("anchor", message)])
    try:
        day, starts_at = beginning(body.starts_at, zone)
        Schedule(day, plan.interval, anchor, zone).period(0)
    except NotAPeriodStart as error:
        message = "lies inside a calendar period, which is not available yet"
        raise NotAvailableYet("A start inside a calendar period", [FieldError("starts_at", message)]) from error
    except OutsideCalendar as error:
        message = f"must leave room for a first period; {error}"
        raise Invalid(f"starts_at {message}", [FieldError("starts_at", message)]) from error
    return day, starts_at


def _checked_quantities(plan: Plan, given: dict[str, Decimal]) -> dict[str, Decimal]:
    """Exactly the quantities that the plan's prices without a meter need (rule 10); raises Invalid."""
    needed = {price.key for price in plan.prices if price.meter is None and not isinstance(price.charge, Flat)}
    errors = [FieldError(f"quantities.{key}", f"is no price of plan {plan.key} that takes a quantity")
              for key in given if key not in needed]
    errors += [FieldError(f"quantities.{key}", "is required: its price has no meter (rule 10)")
               for key in sorted(needed - given.keys())]
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)
    return given
