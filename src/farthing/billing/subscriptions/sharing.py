"""Which subscription of a customer counts the usage of a meter: at most one (rule 16)."""

from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.subscriptions.agreed import Plans, versions_of
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import MeterAlreadyPriced, Subscription
from farthing.catalog import Catalog


def refuse_shared_meters(
    connection: Connection, catalog: Catalog, one: Subscription, since: datetime, known: Plans | None = None
) -> None:
    """Raises MeterAlreadyPriced where, from a moment on, another one of its customer prices a meter of this one.

    The caller holds the customer's account, or stores nothing.
    known  versions of plans that the catalogue does not have
    """
    if one.own_usage:
        return
    others = [
        other for other in SubscriptionStore(connection).of_customer(one.organization, one.customer)
        if other.id != one.id and not other.own_usage and (other.ends_at is None or other.ends_at > since)
    ]
    if not others:
        return
    plans = {**catalog.plans(one.organization, versions_of([one, *others])), **(known or {})}
    mine = metered(one, plans, since)
    for other in others:
        if shared := sorted(mine & metered(other, plans, since)):
            raise MeterAlreadyPriced(
                f"Subscription {other.id} already prices the meter {shared[0]} for customer {one.customer}; "
                "make this one with own_usage, so that it counts only events that name it (rule 16)."
            )


def metered(one: Subscription, plans: Plans, since: datetime) -> frozenset[str]:
    """The keys of the meters that a subscription prices at some time from a moment on."""
    known = one.agreements
    ends = [each.since for each in known[1:]]
    holding = [each for each, end in zip(known, [*ends, None], strict=True) if end is None or end > since]
    return frozenset(
        price.meter for each in holding for price in plans[each.plan.id, each.plan.version].prices
        if price.meter is not None
    )
