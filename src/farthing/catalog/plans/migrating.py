"""Moving subscriptions to a new version of their plan: what the catalogue asks of billing, and what it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from farthing.catalog.plans.values import Plan
from farthing.catalog.prices.reading import stored_prices
from farthing.kernel.problems import Invalid, NotFound
from farthing.kernel.strict_json import dumps
from farthing.pricing.calendar import Interval, Unit


@dataclass(frozen=True, slots=True)
class NotMigrated:
    """A subscription that was left as it is, and why, in words."""

    subscription: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanMigration:
    """The subscriptions of a plan's earlier versions on their way to a new one.

    at        "now": on the day of each one's turn; "next_period": at the end of its current period
    total     subscriptions that were found, of which `done` had their turn, by id up to `reached`
    migrated  how many were changed; the others had left the plan, had ended, or are `refused`
    """

    id: str
    organization: str
    plan: str
    plan_version: int
    at: str
    status: str
    done: int
    total: int
    migrated: int
    refused: Sequence[NotMigrated]
    reached: str
    error: str | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NextVersion:
    """A version that is only tried: what it says, as it crosses between services."""

    plan: str
    version: int
    currency: str
    interval_unit: Unit
    interval_count: int
    usage_unit: Unit
    usage_count: int
    prices: str  # JSON, as it would be stored

    @classmethod
    def of(cls, plan: Plan) -> "NextVersion":
        return cls(
            plan.id, plan.version, plan.currency, plan.interval.unit, plan.interval.count, plan.usage_interval.unit,
            plan.usage_interval.count, dumps(list(plan.documents)).decode("utf-8"),
        )

    def laid(self, current: Plan) -> Plan:
        """The plan in this version."""
        prices, documents = stored_prices(self.prices)
        return replace(
            current, version=self.version, currency=self.currency, prices=prices, documents=documents,
            interval=Interval(self.interval_unit, self.interval_count),
            usage_interval=Interval(self.usage_unit, self.usage_count),
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """What a subscription costs by the version that it has, and by the new one; in major units, before discounts."""

    current: Decimal
    simulated: Decimal


@dataclass(frozen=True, slots=True)
class ComparedSubscription:
    """What a migration would change for a subscription.

    fees     of its next period
    usage    what is recorded of its usage period so far
    refused  why it would be left as it is, in words; it costs the same then
    """

    subscription: str
    customer: str
    customer_key: str | None
    currency: str
    fees: Costs
    usage: Costs
    refused: str | None = None


class Migrating(Protocol):
    """What the catalogue asks of billing about subscriptions on earlier versions of a plan."""

    def begin_migration(self, organization: str, migration: str) -> None:
        """Go on with a migration that is noted and kept; again, nothing more happens."""

    def compare_versions(self, organization: str, version: NextVersion, at: str) -> Sequence[ComparedSubscription]:
        """What migrating would change, by age of the subscriptions; nothing is stored. Raises TooManySubscriptions."""


class MigrationNotes(Protocol):
    """What the catalogue asks of billing about migrations, inside its own transactions."""

    def note(self, plan: Plan, at: str) -> PlanMigration:
        """A migration to a version that the caller's transaction makes; it begins when it is told to."""

    def migration(self, organization: str, plan: str, migration: str) -> PlanMigration:
        """Raises MigrationNotFound."""

    def migrations(self, organization: str, plan: str, after: str, limit: int) -> Sequence[PlanMigration]:
        """Those of a plan, oldest first."""


class MigrationNotFound(NotFound):
    """No such migration of this plan."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no migration {reference[:120]} of this plan.")


class TooManySubscriptions(Invalid):
    """More subscriptions than a dry run looks at."""

    def __init__(self, most: int) -> None:
        super().__init__(f"A dry run compares {most} subscriptions at most, and this plan has more.")
