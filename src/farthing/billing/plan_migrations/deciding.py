"""What a migration makes of a subscription: the changes that its owner would ask for, decided alike (rule 14)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from farthing.billing.subscriptions import deciding
from farthing.billing.subscriptions.agreed import Plans
from farthing.billing.subscriptions.changes import Agreed
from farthing.billing.subscriptions.deciding import Decided, beginning_day
from farthing.billing.subscriptions.schemas import ChangeIn
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Plan


def migrated(current: Subscription, plan: Plan, at: str, plans: Plans, now: datetime) -> Decided:
    """The subscription on this version of its plan from a day on, also where a change of a later day puts it there.

    It keeps its quantities, and its overrides of prices that there still are; itself where nothing is left to change.

    at      "now" or "next_period"
    plans   this version, and all that it has or had
    raises  SubscriptionEnded, Invalid
    """
    day = beginning_day(deciding.living(current), "now" if at == "now" else "period_end", now, "at")
    one = current
    for _ in range(len(current.changes) + 1):  # at most one for each time that it is put on the plan
        outdated = next(_outdated(one, plan, day), None)
        if outdated is None:
            break
        body = ChangeIn.model_construct(
            plan=f"{plan.id}@{plan.version}", overrides=kept_overrides(outdated, plan), at=max(day, outdated.since),
            quantities=None, invoice=None,
        )
        one = deciding.change(one, body, plan, plans, now).subscription
    return Decided(one, day)


def kept_overrides(agreed: Agreed, plan: Plan) -> dict[str, dict[str, object]]:
    """The overrides of prices that the plan still has."""
    known = {price.key for price in plan.prices}
    return {key: dict(fields) for key, fields in agreed.overrides.items() if key in known}


def _outdated(one: Subscription, plan: Plan, day: datetime) -> Iterator[Agreed]:
    """What holds at or after a day by an earlier version of the plan."""
    known = one.agreements
    ends = [*(after.since for _, after in pairwise(known)), one.ends_at]
    for agreed, end in zip(known, ends, strict=True):
        is_earlier = agreed.plan.id == plan.id and agreed.plan.version < plan.version
        if is_earlier and (end is None or end > max(day, agreed.since)):
            yield agreed
