"""Rows of positions and points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, insert, or_, select, type_coerce, update

from farthing.kernel.bulk import insert_rows
from farthing.kernel.columns import Instant
from farthing.kernel.database import insert_unless_there
from farthing.usage.events.models import events
from farthing.usage.events.store import SEQ, after_in
from farthing.usage.quantities.models import late_arrivals, meter_positions, unusable_events, usage_points
from farthing.usage.quantities.steps import Followed, LateArrival, Step, StoredPoint

WRITTEN: Final = ("organization", *StoredPoint._fields)
LATE: Final = ("organization", *(part.name for part in fields(LateArrival)))


def raw(column: ColumnElement[Any]) -> ColumnElement[Any]:  # Any: any column's type
    """Instants as the database has them."""
    return type_coerce(column, BigInteger) if isinstance(column.type, Instant) else column


POINT_COLUMNS = [raw(usage_points.c[name]) for name in StoredPoint._fields]
EVENT_COLUMNS = [SEQ if name == "seq" else raw(events.c[name]) for name in Followed._fields]


@dataclass(frozen=True, slots=True)
class QuantityStore:
    connection: Connection

    def positions(self, organization: str, meters: Sequence[str]) -> Mapping[str, int]:
        """How far each has come; those never followed are missing."""
        query = select(meter_positions.c.meter, meter_positions.c.seq).where(_of(organization, meters))
        return {row.meter: row.seq for row in self.connection.execute(query)}

    def begin(self, organization: str, meters: Iterable[str]) -> None:
        """Have these start before the first event, unless somebody else just did."""
        for meter in sorted(meters):
            row = {"organization": organization, "meter": meter, "seq": 0}
            insert_unless_there(self.connection, meter_positions, row)

    def advance(self, organization: str, meters: Sequence[str], old: int, new: int) -> bool:
        """Hold these meters and move them; False when another follower moved one of them first."""
        query = select(meter_positions.c.seq).where(_of(organization, meters)).order_by(meter_positions.c.meter)
        found = self.connection.execute(query.with_for_update()).scalars().all()
        if len(found) != len(meters) or any(seq != old for seq in found):
            return False
        self.connection.execute(update(meter_positions).where(_of(organization, meters)).values(seq=new))
        return True

    def events(self, organization: str, types: Sequence[str], after: int, upto: int) -> list[Followed]:
        """Everything of these types with `after < seq <= upto`, voids too, in order."""
        wanted = after_in(organization, after, upto)
        query = select(*EVENT_COLUMNS).where(*wanted, events.c.type.in_(types)).order_by(events.c.place)
        return [Followed(*row) for row in self.connection.execute(query)]

    def add(self, organization: str, step: Step) -> None:
        """Write what followers found, and take out what was voided."""
        rows = sorted([(organization, *point.row) for point in step.points])
        insert_rows(self.connection, usage_points, WRITTEN, rows)
        late = [(organization, *astuple(one)) for one in step.late.values()]
        insert_rows(self.connection, late_arrivals, LATE, late)
        if step.unusable:
            mine = {"organization": organization}
            self.connection.execute(insert(unusable_events), [asdict(one) | mine for one in step.unusable])
        if step.voids:
            columns = ("meter", "subject_ref", "time", "seq")
            same = [raw(usage_points.c[name]) == bindparam(f"of_{name}") for name in columns]
            change = update(usage_points).where(usage_points.c.organization == organization, *same)
            self.connection.execute(change.values(voided_seq=bindparam("by")), [
                {f"of_{name}": getattr(void, name) for name in columns} | {"by": void.voided_seq}
                for void in step.voids
            ])

    def points(
        self, organization: str, meter: str, refs: Sequence[int] | None, start: datetime | None, end: datetime,
        upto: int | None = None,
    ) -> list[StoredPoint]:
        """The points with `start <= time < end` that count, by time.

        refs  of subjects; None for all
        upto  as far as was known at this position; None for everything followed so far
        """
        if refs is not None and not refs:
            return []
        mine = (usage_points.c.organization == organization) & (usage_points.c.meter == meter)
        wanted = [mine, usage_points.c.time < end, _counts(upto)]
        if refs is not None:
            wanted.append(usage_points.c.subject_ref.in_(refs))
        if start is not None:
            wanted.append(usage_points.c.time >= start)
        query = select(*POINT_COLUMNS).where(*wanted).order_by(usage_points.c.time, usage_points.c.seq)
        return [StoredPoint(*row) for row in self.connection.execute(query)]


def _of(organization: str, meters: Sequence[str]) -> ColumnElement[bool]:
    return (meter_positions.c.organization == organization) & meter_positions.c.meter.in_(meters)


def _counts(upto: int | None) -> ColumnElement[bool]:
    standing = usage_points.c.voided_seq.is_(None)
    if upto is None:
        return standing
    return (usage_points.c.seq <= upto) & or_(standing, usage_points.c.voided_seq > upto)
