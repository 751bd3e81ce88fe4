"""Plans over the wire."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, WithJsonSchema

from farthing.catalog.plans.migrating import ComparedSubscription, Costs, PlanMigration
from farthing.catalog.plans.values import Plan
from farthing.catalog.prices.schemas import PriceIn
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, InstantOut, Integer, Key, Line, Schema, Shown
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.currencies import Currency, currency

UnitName = Literal["day", "week", "month", "quarter", "year"]


class PlanTerms(Schema):
    """What a version of a plan says."""

    name: Line
    currency: CurrencyCode
    interval: UnitName
    interval_count: Annotated[Integer, Field(ge=1, le=100)] = 1
    usage_interval: UnitName | None = None
    trial_days: Annotated[Integer, Field(ge=0, le=3660)] = 0
    minimum_commitment: Exactly | None = None
    prices: Annotated[list[PriceIn], Field(max_length=200)]


class PlanVersionIn(PlanTerms):
    """The next version of a plan, and when those on earlier ones change to it."""

    migrate: Literal["none", "next_period", "now"] = "none"
    dry_run: bool = False


class PlanIn(PlanTerms):
    """A plan to be made, with its first version."""

    key: Key


class PlanOut(Shown):
    """One version of a plan."""

    id: str
    key: str
    name: str
    currency: str
    interval: UnitName
    interval_count: int
    usage_interval: UnitName
    trial_days: int
    minimum_commitment: str | None
    version: int
    prices: list[Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "A Price"})]]  # Any: JSON
    created_at: InstantOut
    updated_at: InstantOut
    _revision: int = PrivateAttr()

    @property
    def etag(self) -> str:
        """The version alone would not tell a change made before anybody subscribed."""
        return etag_of(self.version, self._revision)

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        shown = cls(**_fields(plan))
        shown._revision = plan.revision
        return shown


def _fields(plan: Plan) -> dict[str, Any]:  # Any: the fields of PlanOut
    return {
        "id": plan.id, "key": plan.key, "name": plan.name, "currency": plan.currency, "interval": plan.interval.unit,
        "interval_count": plan.interval.count, "usage_interval": plan.usage_interval.unit,
        "trial_days": plan.trial_days, "minimum_commitment": _money(plan), "version": plan.version,
        "prices": [dict(each) for each in plan.documents], "created_at": plan.created_at,
        "updated_at": plan.updated_at,
    }


def _money(plan: Plan) -> str | None:
    least = plan.minimum_commitment
    return None if least is None else money(least, currency(plan.currency))


class NotMigratedOut(Shown):
    """A subscription that was left as it is."""

    subscription: str
    reason: str


class MigrationProgressOut(Shown):
    """How far a migration has come."""

    done: int
    total: int


class PlanMigrationOut(Shown):
    """The subscriptions of earlier versions on their way to a new one."""

    id: str
    plan: str
    plan_version: int
    migrate: str
    status: str
    progress: MigrationProgressOut
    migrated: int
    refused: list[NotMigratedOut]
    error: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, one: PlanMigration) -> "PlanMigrationOut":
        return cls(
            id=one.id, plan=one.plan, plan_version=one.plan_version, migrate=one.at, status=one.status,
            progress=MigrationProgressOut(done=one.done, total=one.total), migrated=one.migrated,
            refused=[NotMigratedOut(subscription=each.subscription, reason=each.reason) for each in one.refused],
            error=one.error, version=one.version, created_at=one.created_at, updated_at=one.updated_at,
        )


class CostsOut(Shown):
    """What is charged by the version that is had, what would be, and the difference, before discounts and taxes."""

    current: str
    simulated: str
    difference: str

    @classmethod
    def of(cls, several: Sequence[Costs], unit: Currency) -> "CostsOut":
        with exactly():
            current = sum((one.current for one in several), ZERO)
            simulated = sum((one.simulated for one in several), ZERO)
            difference = simulated - current
        return cls(
            current=money(current, unit), simulated=money(simulated, unit), difference=money(difference, unit)
        )


class ComparedSubscriptionOut(CostsOut):
    """One subscription: the fees of its next period, and its usage of this one so far; `refused` says why it stays."""

    optional: ClassVar[frozenset[str]] = frozenset({"refused"})
    subscription: str
    customer: str
    customer_key: str | None
    currency: str
    fees: CostsOut
    usage: CostsOut
    refused: str | None

    @classmethod
    def compared(cls, one: ComparedSubscription) -> "ComparedSubscriptionOut":
        unit = currency(one.currency)
        sums = CostsOut.of([one.fees, one.usage], unit)
        return cls(
            subscription=one.subscription, customer=one.customer, customer_key=one.customer_key, currency=unit.code,
            fees=CostsOut.of([one.fees], unit), usage=CostsOut.of([one.usage], unit), refused=one.refused,
            current=sums.current, simulated=sums.simulated, difference=sums.difference,
        )


class ComparedTotalOut(CostsOut):
    """The same for all subscriptions in one currency."""

    currency: str


class ComparisonOut(Shown):
    """What a migration would change, by subscription and in total."""

    data: list[ComparedSubscriptionOut]
    totals: list[ComparedTotalOut]

    @classmethod
    def of(cls, rows: Sequence[ComparedSubscription]) -> "ComparisonOut":
        totals = []
        for code in dict.fromkeys(row.currency for row in rows):
            mine = [each for row in rows if row.currency == code for each in (row.fees, row.usage)]
            sums = CostsOut.of(mine, currency(code))
            totals.append(ComparedTotalOut(
                currency=code, current=sums.current, simulated=sums.simulated, difference=sums.difference
            ))
        return cls(data=[ComparedSubscriptionOut.compared(row) for row in rows], totals=totals)


class PlanVersionOut(PlanOut):
    """A new version; with `migration` where subscriptions change to it, with `comparison` where it was only tried."""

    optional: ClassVar[frozenset[str]] = frozenset({"migration", "comparison"})
    migration: PlanMigrationOut | None = None
    comparison: ComparisonOut | None = None

    @classmethod
    def versioned(
        cls, plan: Plan, migration: PlanMigration | None, comparison: Sequence[ComparedSubscription] | None
    ) -> "PlanVersionOut":
        shown = cls(
            **_fields(plan), migration=None if migration is None else PlanMigrationOut.of(migration),
            comparison=None if comparison is None else ComparisonOut.of(comparison),
        )
        shown._revision = plan.revision
        return shown


def etag_of(version: int, revision: int) -> str:
    return f"{version}.{revision}"
