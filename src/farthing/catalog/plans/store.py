"""Rows of plans and their versions."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select, update

from farthing.catalog.plans.models import plan_meters, plan_versions, plans
from farthing.catalog.plans.values import Plan, PlanKeyTaken
from farthing.catalog.prices.reading import stored_prices
from farthing.kernel.database import refusing
from farthing.kernel.ids import is_id
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.calendar import Interval
from farthing.pricing.currencies import currency

VERSIONS: Final = select(plans.c.key, plan_versions).join(plan_versions, plan_versions.c.plan == plans.c.id)


@dataclass(frozen=True, slots=True)
class PlanStore:
    connection: Connection

    def add(self, plan: Plan, meters: Collection[str]) -> None:
        """A plan with its first version; raises PlanKeyTaken, and the first one stays."""
        with refusing("plans_key", PlanKeyTaken(plan.key)):
            self.connection.execute(insert(plans).values(
                id=plan.id, organization=plan.organization, key=plan.key, newest=plan.version,
                created_at=plan.created_at,
            ))
        self._add_version(plan, meters)

    def add_next(self, plan: Plan, meters: Collection[str]) -> None:
        """The next version of a plan that is locked."""
        self._add_version(plan, meters)
        same = (plans.c.organization == plan.organization) & (plans.c.id == plan.id)
        self.connection.execute(update(plans).where(same).values(newest=plan.version))

    def save(self, plan: Plan, meters: Collection[str]) -> None:
        """A version that nobody has subscribed to, changed."""
        self._forget_meters(plan)
        self.connection.execute(update(plan_versions).where(_version_is(plan)).values(_row(plan)))
        self._price_meters(plan, meters)

    def find(self, organization: str, reference: str, version: int | None = None) -> Plan | None:
        """By id or key; the newest version unless one is named."""
        wanted = plan_versions.c.version == (plans.c.newest if version is None else version)
        row = self.connection.execute(VERSIONS.where(_named(organization, reference), wanted)).mappings().one_or_none()
        return None if row is None else _value(row)

    def lock(self, organization: str, reference: str, shared: bool = False) -> int | None:
        """The number of the newest version; until the transaction ends it stays that, or None without such a plan."""
        query = select(plans.c.newest).where(_named(organization, reference)).with_for_update(read=shared)
        newest: int | None = self.connection.execute(query).scalar_one_or_none()
        return newest

    def many(self, organization: str, wanted: Set[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
        """Those of these versions that exist."""
        if not wanted:
            return {}
        ids = {plan_id for plan_id, _ in wanted}
        numbers = {version for _, version in wanted}
        query = VERSIONS.where(
            plans.c.organization == organization, plans.c.id.in_(ids), plan_versions.c.version.in_(numbers)
        )
        rows = self.connection.execute(query).mappings()
        found = (_value(row) for row in rows if (row["plan"], row["version"]) in wanted)
        return {(plan.id, plan.version): plan for plan in found}

    def page(self, organization: str, after: str, limit: int) -> list[Plan]:
        """The newest versions, by the plans' age."""
        newest = VERSIONS.where(
            plans.c.organization == organization, plans.c.id > after, plan_versions.c.version == plans.c.newest
        )
        return self._values(newest.order_by(plans.c.id).limit(limit))

    def versions(self, organization: str, plan_id: str, after: int, limit: int) -> list[Plan]:
        """A plan's versions above `after`, in order."""
        mine = VERSIONS.where(
            plans.c.organization == organization, plans.c.id == plan_id, plan_versions.c.version > after
        )
        return self._values(mine.order_by(plan_versions.c.version).limit(limit))

    def pricing_meter(self, organization: str, meter_id: str) -> tuple[str, int] | None:
        """Key and number of a plan version that prices this meter, or None when none does."""
        query = (
            select(plans.c.key, plan_meters.c.version)
            .join(plans, plans.c.id == plan_meters.c.plan)
            .where(plan_meters.c.organization == organization, plan_meters.c.meter == meter_id)
            .order_by(plan_meters.c.plan, plan_meters.c.version.desc()).limit(1)
        )
        row = self.connection.execute(query).one_or_none()
        return None if row is None else (row.key, row.version)

    def remove(self, organization: str, plan_id: str) -> None:
        """A plan with all its versions."""
        for table, column in (
            (plan_meters, plan_meters.c.plan), (plan_versions, plan_versions.c.plan), (plans, plans.c.id)
        ):
            mine = (table.c.organization == organization) & (column == plan_id)
            self.connection.execute(delete(table).where(mine))

    def _values(self, query: Select[Any]) -> list[Plan]:  # Any: the columns of VERSIONS
        return [_value(row) for row in self.connection.execute(query).mappings()]

    def _add_version(self, plan: Plan, meters: Collection[str]) -> None:
        place = {"plan": plan.id, "version": plan.version, "organization": plan.organization}
        self.connection.execute(insert(plan_versions).values(**place, created_at=plan.created_at, **_row(plan)))
        self._price_meters(plan, meters)

    def _price_meters(self, plan: Plan, meters: Collection[str]) -> None:
        place = {"plan": plan.id, "version": plan.version, "organization": plan.organization}
        if meters:
            self.connection.execute(insert(plan_meters), [place | {"meter": meter} for meter in sorted(meters)])

    def _forget_meters(self, plan: Plan) -> None:
        mine = (plan_meters.c.organization == plan.organization) & (plan_meters.c.plan == plan.id)
        self.connection.execute(delete(plan_meters).where(mine, plan_meters.c.version == plan.version))


def _named(organization: str, reference: str) -> Any:  # Any: a condition
    name = plans.c.id if is_id(reference, "pln") else plans.c.key
    return (plans.c.organization == organization) & (name == reference)


def _version_is(plan: Plan) -> Any:  # Any: a condition
    same = (plan_versions.c.plan == plan.id) & (plan_versions.c.version == plan.version)
    return same & (plan_versions.c.organization == plan.organization)


def _row(plan: Plan) -> dict[str, Any]:  # Any: a row's columns
    least = plan.minimum_commitment
    return {
        "name": plan.name, "currency": plan.currency, "interval_unit": plan.interval.unit,
        "interval_count": plan.interval.count, "trial_days": plan.trial_days,
        "minimum_commitment": None if least is None else to_minor(least, currency(plan.currency)),
        "usage_unit": None if plan.usage_interval == plan.interval else plan.usage_interval.unit,
        "prices": dumps(list(plan.documents)).decode("utf-8"),
        "revision": plan.revision, "updated_at": plan.updated_at,
    }


def _value(row: RowMapping) -> Plan:
    prices, documents = stored_prices(row["prices"])
    interval, least = Interval(row["interval_unit"], row["interval_count"]), row["minimum_commitment"]
    return Plan(
        id=row["plan"], organization=row["organization"], key=row["key"], version=row["version"], name=row["name"],
        currency=row["currency"], interval=interval, prices=prices, trial_days=row["trial_days"] or 0,
        usage_interval=Interval(row["usage_unit"]) if row["usage_unit"] else interval,
        documents=documents, revision=row["revision"], created_at=row["created_at"], updated_at=row["updated_at"],
        minimum_commitment=None if least is None else from_minor(least, currency(row["currency"])),
    )
