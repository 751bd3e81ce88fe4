"""From what is kept of a subscription's changes to the terms of each of its days, which pricing works with."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from farthing.billing.subscriptions.changes import Agreed
from farthing.billing.subscriptions.overrides import overridden
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Plan
from farthing.kernel.strict_json import dumps
from farthing.pricing.agreements import Agreement, Terms
from farthing.pricing.arithmetic import plain
from farthing.pricing.prices import Price

Version = tuple[str, int]  # a plan's id, and which version of it
Plans = Mapping[Version, Plan]


def versions_of(subscriptions: Collection[Subscription]) -> set[Version]:
    """All versions of plans that these have or had, if only until the first day's change."""
    return {
        (each.plan.id, each.plan.version) for one in subscriptions for each in (one.original, *one.agreements)
    }


def agreement_of(one: Subscription, plans: Plans) -> Agreement:
    """The terms of each day, and the pauses."""
    terms = tuple((each.since, _terms(each, one.original, plans)) for each in one.agreements)
    return Agreement(terms, ZoneInfo(one.timezone), tuple((pause.start, pause.end) for pause in one.pauses))


def agreement_by(plan: Plan, one: Subscription) -> Agreement:
    """The same if it had always been on this plan, in the quantities of its beginning."""
    terms = Terms(f"{plan.id}@{plan.version}", plan.prices, one.quantities, commitment=plan.minimum_commitment)
    return Agreement(((one.starts_at, terms),), ZoneInfo(one.timezone), tuple((p.start, p.end) for p in one.pauses))


def _terms(each: Agreed, first: Agreed, plans: Plans) -> Terms:
    plan = overridden(plans[each.plan.id, each.plan.version], each.overrides)
    marks: dict[str, str] = {}
    for price in plan.prices if each is not first else ():
        if _of(price.key, each) != _of(price.key, first):
            marks[price.key] = dumps(_of(price.key, each)).decode("utf-8")
    return Terms(f"{plan.id}@{plan.version}", plan.prices, each.quantities, marks, plan.minimum_commitment)


def _of(key: str, each: Agreed) -> dict[str, Any]:  # Any: JSON
    quantity = each.quantities.get(key)
    return {
        "plan": each.plan.id, "version": each.plan.version, "overrides": each.overrides.get(key),
        "quantity": None if quantity is None else plain(quantity),
    }


@dataclass(frozen=True, slots=True)
class PricedBy:
    """The price and the quantity that a line was made by."""

    price: Price
    quantity: Decimal | None


def version_marked(mark: str | None, one: Subscription) -> Version:
    """Which version of a plan a line of a subscription was priced by."""
    if mark is None:
        return one.plan, one.plan_version
    kept = json.loads(mark)
    return kept["plan"], kept["version"]


def priced_by(mark: str | None, key: str, one: Subscription, plans: Plans) -> PricedBy:
    """What a line of this price was made by, from what it keeps of its terms; by its subscription's first without."""
    plan = plans[version_marked(mark, one)]
    quantity, overrides = one.quantities.get(key), one.overrides.get(key)
    if mark is not None:
        kept = json.loads(mark)
        quantity, overrides = None if kept["quantity"] is None else Decimal(kept["quantity"]), kept["overrides"]
    laid = overridden(plan, {} if overrides is None else {key: overrides})
    return PricedBy(next(price for price in laid.prices if price.key == key), quantity)
