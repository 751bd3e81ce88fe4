"""Rows of migrations."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.billing.bill_runs.values import QUEUED, RUNNING
from farthing.billing.plan_migrations.models import plan_migrations
from farthing.catalog import NotMigrated, PlanMigration

table = plan_migrations.c


@dataclass(frozen=True, slots=True)
class PlanMigrationStore:
    connection: Connection

    def add(self, one: PlanMigration) -> None:
        self.connection.execute(insert(plan_migrations).values(asdict(one)))

    def save(self, one: PlanMigration) -> None:
        mine = (table.organization == one.organization) & (table.id == one.id)
        self.connection.execute(update(plan_migrations).where(mine).values(asdict(one)))

    def find(self, organization: str, id: str, lock: bool = False) -> PlanMigration | None:
        query = select(plan_migrations).where((table.organization == organization) & (table.id == id))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(self, organization: str, plan: str, after: str, limit: int) -> list[PlanMigration]:
        mine = (table.organization == organization) & (table.plan == plan) & (table.id > after)
        rows = self.connection.execute(select(plan_migrations).where(mine).order_by(table.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def unfinished(self) -> list[PlanMigration]:
        """Those that wait, or had not ended when their process went away."""
        begun = table.status.in_([QUEUED, RUNNING])
        rows = self.connection.execute(select(plan_migrations).where(begun).order_by(table.id)).mappings()
        return [_value(row) for row in rows]


def _value(row: RowMapping) -> PlanMigration:
    return PlanMigration(**{**row, "refused": tuple(NotMigrated(**one) for one in row["refused"])})
