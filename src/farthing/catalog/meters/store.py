"""Rows of meters."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from farthing.catalog.meters.models import meters
from farthing.catalog.meters.values import METERS, Meter, MeterKeyTaken
from farthing.kernel.database import changes, refusing
from farthing.kernel.ids import is_id
from farthing.pricing.aggregation import Aggregation


@dataclass(frozen=True, slots=True)
class MeterStore:
    connection: Connection

    def add(self, meter: Meter) -> None:
        """Raises MeterKeyTaken; the first one stays."""
        with refusing("meters_key", MeterKeyTaken(meter.key)):
            self.connection.execute(insert(meters).values(_row(meter)))
        changes(METERS, [meter.organization])

    def save(self, meter: Meter) -> None:
        same = (meters.c.organization == meter.organization) & (meters.c.id == meter.id)
        self.connection.execute(update(meters).where(same).values(_row(meter)))
        changes(METERS, [meter.organization])

    def find(self, organization: str, reference: str, lock: bool = False) -> Meter | None:
        """By id or key."""
        name = meters.c.id if is_id(reference, "mtr") else meters.c.key
        query = select(meters).where((meters.c.organization == organization) & (name == reference))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def held(self, organization: str, references: Collection[str]) -> Mapping[str, Meter]:
        """Those of these that exist, by id and by key; none of them goes before the transaction ends."""
        named = or_(meters.c.id.in_(list(references)), meters.c.key.in_(list(references)))
        query = select(meters).where((meters.c.organization == organization) & named).order_by(meters.c.id)
        found = [_value(row) for row in self.connection.execute(query.with_for_update(read=True)).mappings()]
        return {meter.id: meter for meter in found} | {meter.key: meter for meter in found}

    def all(self, organization: str) -> list[Meter]:
        query = select(meters).where(meters.c.organization == organization).order_by(meters.c.id)
        return [_value(row) for row in self.connection.execute(query).mappings()]

    def page(self, organization: str, after: str, limit: int) -> list[Meter]:
        mine = (meters.c.organization == organization) & (meters.c.id > after)
        rows = self.connection.execute(select(meters).where(mine).order_by(meters.c.id).limit(limit)).mappings()
        return [_value(row) for row in rows]

    def remove(self, organization: str, id: str) -> None:
        self.connection.execute(delete(meters).where((meters.c.organization == organization) & (meters.c.id == id)))
        changes(METERS, [organization])


def _row(meter: Meter) -> dict[str, Any]:  # Any: a row's columns
    return asdict(meter) | {"aggregation": meter.aggregation.value}


def _value(row: RowMapping) -> Meter:
    return Meter(**{
        **row, "aggregation": Aggregation(row["aggregation"]), "group_by": tuple(row["group_by"]),
        "filter": {name: tuple(values) for name, values in row["filter"].items()},
    })
