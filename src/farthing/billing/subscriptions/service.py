"""The use cases of subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from farthing.billing.coupons.giving import Giving, Owner, coupons_of
from farthing.billing.subscriptions.accounts import held_customer
from farthing.billing.subscriptions.closing import opened
from farthing.billing.subscriptions.overrides import checked_overrides, overridden
from farthing.billing.subscriptions.schemas import SubscriptionIn, SubscriptionPatch
from farthing.billing.subscriptions.sharing import refuse_shared_meters
from farthing.billing.subscriptions.store import Search, SubscriptionStore
from farthing.billing.subscriptions.terms_given import checked_quantities
from farthing.billing.subscriptions.values import (
    Subscription,
    SubscriptionEnded,
    beginning,
    ending_at,
    found,
)
from farthing.catalog import Catalog, Coupon, Plan
from farthing.customers import Customer, CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import merged, parsed, resent
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.calendar import Anchor, OutsideCalendar, Schedule, start_of_day
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
    giving: Giving

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
            refuse_shared_meters(connection, self.catalog, subscription, subscription.starts_at)
            store.add(subscription)
            owner = _owner(subscription)
            self.giving.give(connection, owner, {f"coupons[{at}]": name for at, name in enumerate(body.coupons)})
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

    def coupons(self, caller: Caller, subscriptions: Iterable[Subscription]) -> Mapping[str, Sequence[Coupon]]:
        """The coupons that subscriptions were given, by subscription id, in the order they were applied."""
        with self.database.read() as connection:
            ids = [one.id for one in subscriptions]
            return coupons_of(connection, self.catalog, caller.organization, ids)

    def give_coupon(self, caller: Caller, reference: str, coupon: str) -> Subscription:
        """Give a subscription a coupon, by id or key, behind those that it has.

        raises  SubscriptionNotFound, SubscriptionEnded, CouponNotFound, NotRedeemable, CouponAttached
        """
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            current = found(store.find(caller.organization, reference, lock=True), reference)
            if current.current_period() is None:
                raise SubscriptionEnded(f"Subscription {current.id} has ended, and its end is billed (rule 13).")
            self.giving.give(connection, _owner(current), {"coupon": coupon})
        return current

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

    def _touched(self, subscription: Subscription) -> Subscription:
        return replace(
            subscription, version=subscription.version + 1, updated_at=self.now(subscription.organization)
        )

    def _new(self, customer: Customer, plan: Plan, body: SubscriptionIn, now: datetime) -> Subscription:
        if plan.currency != customer.currency:
            message = f"plan {plan.key} is in {plan.currency}, the customer is billed in {customer.currency}"
            raise Invalid(f"{message} (rule 23).", [FieldError("plan", message)])
        overrides = checked_overrides(plan, body.overrides)
        days = _days(body, plan, ZoneInfo(customer.timezone))
        new = Subscription(
            id=self.new_id("sub", now), organization=customer.organization, key=body.key, customer=customer.id,
            plan=plan.id, plan_key=plan.key, plan_version=plan.version, currency=plan.currency,
            interval=plan.interval, usage_interval=plan.usage_interval, anchor=Anchor(body.anchor),
            timezone=customer.timezone, first_day=days.first, starts_at=days.starts_at,
            trial_ends_at=days.trial_ends_at, ends_at=days.ends_at, agreed_end=days.ends_at, canceled_at=None,
            quantities={}, overrides=overrides, own_usage=body.own_usage, metadata=body.metadata,
            billed_through=None, still_open=(), next_boundary=None, parked=None, parked_at=None, version=1,
            created_at=now, updated_at=now,
        )
        quantities = checked_quantities(overridden(plan, overrides), body.quantities)
        return replace(opened(new), quantities=quantities)


def _owner(subscription: Subscription) -> Owner:
    one = subscription
    return Owner(one.organization, one.customer, one.id, one.currency)


@dataclass(frozen=True, slots=True)
class _Days:
    """When a new subscription begins, is paid for from, and ends."""

    first: date
    starts_at: datetime
    trial_ends_at: datetime | None
    ends_at: datetime | None


def _days(body: SubscriptionIn, plan: Plan, zone: ZoneInfo) -> _Days:
    """The local days that a new subscription moves at (rules 12, 13 and 15); raises Invalid."""
    anchor = Anchor(body.anchor)
    if anchor is Anchor.CALENDAR and plan.interval.count != 1:
        message = "must be anniversary: calendar periods have an interval_count of 1 (rule 12)"
        raise Invalid(f"anchor {message}.", [FieldError("anchor", message)])
    try:
        day, starts_at = beginning(body.starts_at, zone)
        first = day + timedelta(days=plan.trial_days)
        paid_from = start_of_day(first, zone)
        Schedule(first, plan.interval, anchor, zone).period(0)
        ends_at = None if body.ends_at is None else ending_at(body.ends_at, zone)
    except (OutsideCalendar, OverflowError) as error:
        message = f"must leave room for a first period; {error}"
        raise Invalid(f"starts_at {message}", [FieldError("starts_at", message)]) from error
    if ends_at is not None and ends_at <= starts_at:
        message = "must lie after starts_at"
        raise Invalid(f"ends_at {message}.", [FieldError("ends_at", message)])
    return _Days(first, starts_at, paid_from if plan.trial_days else None, ends_at)
