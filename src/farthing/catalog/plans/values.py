"""What a plan is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from farthing.kernel.problems import Conflict, NotFound
from farthing.pricing.calendar import Interval
from farthing.pricing.prices import Price


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a plan; once somebody has subscribed to it, it never changes.

    version         1 for the first, which `key@1` names
    interval        of its fees
    usage_interval  of its usage; divides that of its fees
    trial_days      before the first paid day
    documents       the prices as the interface shows them, in the same order
    revision        how often this version was changed before anybody subscribed to it
    minimum_commitment  that all lines of a plan period come to at least, in major units; None without one (rule 9)
    """

    id: str
    organization: str
    key: str
    version: int
    name: str
    currency: str
    interval: Interval
    usage_interval: Interval
    trial_days: int
    prices: tuple[Price, ...]
    documents: tuple[Mapping[str, Any], ...]  # Any: JSON
    revision: int
    created_at: datetime
    updated_at: datetime
    minimum_commitment: Decimal | None = None


class PlanNotFound(NotFound):
    """No such plan, or version of it, in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no plan {reference[:120]}.")


class PlanKeyTaken(Conflict):
    """A key names one plan of an organisation."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key} already names another plan.")


class PlanSubscribed(Conflict):
    """A plan version that has been subscribed to never changes."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            f"Plan {plan.key}@{plan.version} has been subscribed to and never changes: "
            f"make the next version with POST /v1/plans/{plan.key}/versions."
        )


class NotTheNewestVersion(Conflict):
    """Only the newest version of a plan may still change."""

    def __init__(self, plan: Plan, newest: int) -> None:
        super().__init__(f"Plan {plan.key}@{plan.version} never changes: the newest version is {plan.key}@{newest}.")


class PlanInUse(Conflict):
    """A plan stays once somebody has subscribed to any version of it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"Plan {plan.id} ({plan.key}) cannot be deleted: it has been subscribed to.")
