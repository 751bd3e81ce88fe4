"""Rows of advances of test clocks."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.billing.bill_runs.values import Parked
from farthing.billing.test_clock.models import clock_advances
from farthing.billing.test_clock.values import Advance, AdvanceUnderWay
from farthing.kernel.database import refusing

advance = clock_advances.c


@dataclass(frozen=True, slots=True)
class AdvanceStore:
    connection: Connection

    def add(self, one: Advance) -> None:
        """Raises AdvanceUnderWay."""
        with refusing("clock_advances_under_way", AdvanceUnderWay()):
            self.connection.execute(insert(clock_advances).values(_row(one)))

    def save(self, one: Advance) -> bool:
        """Store how far it has come, unless another process has taken it over since; whether it did."""
        own = (advance.organization == one.organization) & (advance.id == one.id)
        mine = own & (advance.version == one.version - 1)
        return self.connection.execute(update(clock_advances).where(mine).values(_row(one))).rowcount == 1

    def newest(self, organization: str) -> Advance | None:
        """The one under way, or that ended last."""
        mine = select(clock_advances).where(advance.organization == organization)
        newest = mine.order_by(advance.under_way.is_(None), advance.id.desc()).limit(1)
        row = self.connection.execute(newest).mappings().one_or_none()
        return None if row is None else _value(row)

    def under_way(self) -> list[Advance]:
        """Those that had not ended when their process went away."""
        rows = self.connection.execute(select(clock_advances).where(advance.under_way.is_not(None)))
        return [_value(row) for row in rows.mappings()]


def _row(one: Advance) -> dict[str, Any]:  # Any: a row's columns
    return asdict(one) | {"under_way": one.organization if one.under_way else None}


def _value(row: RowMapping) -> Advance:
    columns = {name: value for name, value in row.items() if name != "under_way"}
    return Advance(**columns | {"parked": tuple(Parked(**one) for one in row["parked"])})
