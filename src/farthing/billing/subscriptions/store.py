"""Rows of subscriptions."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from farthing.billing.subscriptions.changes import (
    TakenPlan,
    changes_from,
    changes_text,
    instants_from,
    instants_text,
    own_invoices_from,
    own_invoices_text,
    pauses_from,
    pauses_text,
)
from farthing.billing.subscriptions.models import subscription_plans, subscriptions
from farthing.billing.subscriptions.values import Subscription, SubscriptionKeyTaken
from farthing.kernel.clock import instant_from, instant_text
from farthing.kernel.database import insert_unless_there, refusing
from farthing.kernel.ids import is_id
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import plain
from farthing.pricing.calendar import Anchor, Interval

table = subscriptions.c
AT_ONCE: Final = 1_000  # customers asked for in one query


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; `status` is told by `now`."""

    now: datetime
    customer: str | None = None
    status: str | None = None
    parked: bool | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionStore:
    connection: Connection

    def add(self, subscription: Subscription) -> None:
        """Raises SubscriptionKeyTaken."""
        with refusing("subscriptions_key", SubscriptionKeyTaken(subscription.key)):
            self.connection.execute(insert(subscriptions).values(_row(subscription)))

    def save(self, changed: Sequence[Subscription]) -> None:
        same = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
        rows = [_row(one) | {"own_organization": one.organization, "own_id": one.id} for one in changed]
        if rows:
            self.connection.execute(update(subscriptions).where(same), rows)

    def first_due(self, organization: str, customer: str) -> str | None:
        """The customer's subscription that is billed next, by id: in order of boundary, then age (rule 26)."""
        mine = (table.organization == organization) & (table.customer == customer)
        query = select(table.id).where(mine, table.next_boundary.is_not(None)).order_by(table.next_boundary, table.id)
        return self.connection.execute(query.limit(1)).scalar_one_or_none()

    def find(self, organization: str, reference: str, lock: bool = False) -> Subscription | None:
        """By id or key."""
        name = table.id if is_id(reference, "sub") else table.key
        query = select(subscriptions).where((table.organization == organization) & (name == reference))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def many(self, organization: str, ids: Collection[str], lock: bool = False) -> Mapping[str, Subscription]:
        """Those of these ids that exist, by id; locked in the order of their ids, so that nobody waits in a ring."""
        query = select(subscriptions).where((table.organization == organization) & table.id.in_(list(ids)))
        query = query.order_by(table.id)
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings()
        return {row["id"]: _value(row) for row in rows}

    def page(self, organization: str, search: Search, after: str, limit: int) -> list[Subscription]:
        wanted = [table.organization == organization, table.id > after, *_conditions(search)]
        rows = self.connection.execute(select(subscriptions).where(*wanted).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def of_customer(self, organization: str, customer: str) -> list[Subscription]:
        mine = (table.organization == organization) & (table.customer == customer)
        rows = self.connection.execute(select(subscriptions).where(mine).order_by(table.id)).mappings()
        return [_value(row) for row in rows]

    def some(self, organization: str, customers: Collection[str] | None, limit: int) -> list[Subscription]:
        """The oldest ones, of these customers or of all."""
        wanted = [table.organization == organization]
        if customers is not None:
            wanted.append(table.customer.in_(list(customers)))
        rows = self.connection.execute(select(subscriptions).where(*wanted).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def due(self, organization: str, as_of: datetime, customers: Collection[str] | None) -> list[Subscription]:
        """Those with an open boundary at or before `as_of`, of these customers or of all, by age."""
        wanted = [table.organization == organization, table.next_boundary <= as_of]
        if customers is not None:
            wanted.append(table.customer.in_(list(customers)))
        rows = self.connection.execute(select(subscriptions).where(*wanted).order_by(table.id))
        return [_value(row) for row in rows.mappings()]

    def ended(self, organization: str, customers: Sequence[str]) -> list[Subscription]:
        """Those of these customers of which nothing is open any more, by age."""
        found: list[Subscription] = []
        over = (table.organization == organization) & table.next_boundary.is_(None) & table.billed_through.is_not(None)
        for start in range(0, len(customers), AT_ONCE):
            some = table.customer.in_(customers[start : start + AT_ONCE])
            rows = self.connection.execute(select(subscriptions).where(over, some)).mappings()
            found += [_value(row) for row in rows]
        return sorted(found, key=lambda one: one.id)

    def next_boundary(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        """The first moment in this stretch, its begin left out, at which a subscription's earliest open boundary is."""
        ahead = [table.organization == organization, table.next_boundary > after, table.next_boundary <= until]
        return self.connection.execute(select(func.min(table.next_boundary)).where(*ahead)).scalar()

    def note_plans(self, one: Subscription, taken: Collection[TakenPlan]) -> None:
        """Remember that a subscription was changed to these plans, which stay then."""
        place = {"organization": one.organization, "subscription": one.id}
        rows = [
            place | {"plan": plan, "version": version}
            for plan, version in sorted({(each.id, each.version) for each in taken})
        ]
        if rows:
            insert_unless_there(self.connection, subscription_plans, *rows)

    def on_plan(self, organization: str, plan: str, before: int, after: str, limit: int) -> list[str]:
        """Those that ever had a version of a plan before this one, or will have, by id above `after`."""
        wanted = _on_plan(organization, plan, before), table.id > after
        return list(self.connection.execute(select(table.id).where(*wanted).order_by(table.id).limit(limit)).scalars())

    def count_on_plan(self, organization: str, plan: str, before: int) -> int:
        """How many they are."""
        query = select(func.count()).select_from(subscriptions).where(_on_plan(organization, plan, before))
        return int(self.connection.execute(query).scalar_one())

    def any_on_plan(self, organization: str, plan: str, version: int | None) -> bool:
        """Whether anybody ever had this plan, or this version of it."""
        had = subscription_plans.c
        wanted = [table.organization == organization, table.plan == plan]
        changed = [had.organization == organization, had.plan == plan]
        if version is not None:
            wanted.append(table.plan_version == version)
            changed.append(had.version == version)
        queries = select(table.id).where(*wanted).limit(1), select(had.subscription).where(*changed).limit(1)
        return any(self.connection.execute(query).first() is not None for query in queries)

    def any_living(self, organization: str, customer: str, now: datetime) -> bool:
        """Whether a customer has a subscription that has not ended, or whose end is not billed yet."""
        mine = (table.organization == organization) & (table.customer == customer)
        living = or_(table.ends_at.is_(None), table.ends_at > now, table.next_boundary.is_not(None))
        return self.connection.execute(select(table.id).where(mine, living).limit(1)).first() is not None


def _on_plan(organization: str, plan: str, before: int) -> ColumnElement[bool]:
    had = subscription_plans.c
    changed = select(had.subscription).where(had.organization == organization, had.plan == plan, had.version < before)
    first = and_(table.plan == plan, table.plan_version < before)
    return and_(table.organization == organization, or_(first, table.id.in_(changed)))


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.customer is not None:
        conditions.append(table.customer == search.customer)
    if search.parked is not None:
        conditions.append(table.parked.is_not(None) if search.parked else table.parked.is_(None))
    if search.status is not None:
        conditions.append(_in_status(search.status, search.now))
    return conditions


def _in_status(status: str, now: datetime) -> ColumnElement[bool]:
    """The same as Subscription.status, told by the database."""
    unended = or_(table.ends_at.is_(None), table.ends_at > now)
    paused = and_(
        table.paused_from.is_not(None), table.paused_from <= now,
        or_(table.paused_until.is_(None), table.paused_until > now),
    )
    going = and_(unended, table.starts_at <= now, table.canceled_at.is_(None), not_(paused))
    match status:
        case "ended":
            return table.ends_at <= now
        case "scheduled":
            return and_(unended, table.starts_at > now)
        case "paused":
            return and_(unended, table.starts_at <= now, paused)
        case "canceled":
            return and_(table.ends_at > now, table.starts_at <= now, table.canceled_at.is_not(None), not_(paused))
        case "trialing":
            return and_(going, table.trial_ends_at > now)
        case "active":
            paid = or_(table.trial_ends_at.is_(None), table.trial_ends_at <= now)
            return and_(going, paid)
        case _:
            return false()


def _row(subscription: Subscription) -> dict[str, Any]:  # Any: a row's columns
    row = {one.name: getattr(subscription, one.name) for one in fields(subscription)}
    interval: Interval = row.pop("interval")
    usage_interval: Interval = row.pop("usage_interval")
    return row | {
        "usage_unit": None if usage_interval == interval else usage_interval.unit,
        "overrides": dumps(dict(subscription.overrides)).decode("utf-8") if subscription.overrides else None,
        "still_open": [instant_text(at) for at in subscription.still_open],
        "interval_unit": interval.unit, "interval_count": interval.count, "anchor": subscription.anchor.value,
        "first_day": subscription.first_day.isoformat(),
        "changes": changes_text(subscription.changes), "pauses": pauses_text(subscription.pauses),
        "paused_from": subscription.pauses[-1].start if subscription.pauses else None,
        "paused_until": subscription.pauses[-1].end if subscription.pauses else None,
        "late_open": subscription.late_open or None,
        "cuts": instants_text(subscription.cuts), "own_invoices": own_invoices_text(subscription.own_invoices),
        "quantities": {key: plain(quantity) for key, quantity in subscription.quantities.items()},
    }


def _value(row: RowMapping) -> Subscription:
    columns = dict(row)
    interval = Interval(columns.pop("interval_unit"), columns.pop("interval_count"))
    usage_unit = columns.pop("usage_unit")
    quantities = {key: Decimal(quantity) for key, quantity in row["quantities"].items()}
    del columns["paused_from"], columns["paused_until"]
    return Subscription(**columns | {
        "still_open": tuple(instant_from(at) for at in row["still_open"]),
        "usage_interval": Interval(usage_unit) if usage_unit else interval,
        "overrides": json.loads(row["overrides"]) if row["overrides"] else {},
        "interval": interval, "anchor": Anchor(row["anchor"]), "first_day": date.fromisoformat(row["first_day"]),
        "quantities": quantities,
        "changes": changes_from(row["changes"]), "pauses": pauses_from(row["pauses"]),
        "late_through": row["late_through"] or 0, "late_open": bool(row["late_open"]),
        "cuts": instants_from(row["cuts"]), "own_invoices": own_invoices_from(row["own_invoices"]),
    })
