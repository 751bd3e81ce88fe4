"""Rows of bill runs."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.billing.bill_runs.models import bill_runs
from farthing.billing.bill_runs.values import COMPLETED, QUEUED, RUNNING, BillRun, Parked


@dataclass(frozen=True, slots=True)
class BillRunStore:
    connection: Connection

    def add(self, run: BillRun) -> None:
        self.connection.execute(insert(bill_runs).values(asdict(run)))

    def save(self, run: BillRun) -> None:
        self.connection.execute(update(bill_runs).where(bill_runs.c.id == run.id).values(asdict(run)))

    def find(self, organization: str, id: str) -> BillRun | None:
        mine = (bill_runs.c.organization == organization) & (bill_runs.c.id == id)
        row = self.connection.execute(select(bill_runs).where(mine)).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(self, organization: str, after: str, limit: int) -> list[BillRun]:
        mine = (bill_runs.c.organization == organization) & (bill_runs.c.id > after)
        rows = self.connection.execute(select(bill_runs).where(mine).order_by(bill_runs.c.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def last_position(self, organization: str) -> int:
        """The events among which runs have looked for all that came late; 0 before the first."""
        known = (bill_runs.c.status == COMPLETED) & bill_runs.c.position.is_not(None)
        query = select(bill_runs.c.position).where(bill_runs.c.organization == organization, known)
        return self.connection.execute(query.order_by(bill_runs.c.id.desc()).limit(1)).scalar() or 0

    def unfinished(self) -> list[BillRun]:
        """Runs that were begun, or waiting, when their process went away."""
        begun = bill_runs.c.status.in_([QUEUED, RUNNING])
        rows = self.connection.execute(select(bill_runs).where(begun).order_by(bill_runs.c.id)).mappings()
        return [_value(row) for row in rows]


def _value(row: RowMapping) -> BillRun:
    return BillRun(**{**row, "parked": tuple(Parked(**one) for one in row["parked"])})
