"""Rows of rollups."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, or_, select, tuple_, update

from farthing.pricing.aggregation import Partial, merged
from farthing.pricing.calendar import Period
from farthing.usage.quantities.models import usage_points, usage_rollups
from farthing.usage.quantities.rollups import SLOT, Place, Slot
from farthing.usage.quantities.steps import StoredPoint
from farthing.usage.quantities.store import POINT_COLUMNS
from farthing.usage.quantities.tables import Group

AT_ONCE: Final = 500  # rollups asked for in one query
SLOTS_AT_ONCE: Final = 100
PARTS: Final = (
    "events", "counted", "total", "least", "greatest", "latest_time", "latest_id", "latest_source", "latest_value",
)
KEYS: Final = ("meter", "subject_ref", "slot", "group_hash")


@dataclass(frozen=True, slots=True)
class RollupStore:
    connection: Connection

    def merge(self, organization: str, found: Mapping[Place, Partial]) -> None:
        """Add these to what is there."""
        places = {(place.meter, place.subject_ref, place.slot, place.hash): place for place in found}
        before = self._read(organization, list(places))
        changed = [
            {f"of_{name}": part for name, part in zip(KEYS, key, strict=True)}
            | _parts(merged(before[key], found[place]), "new_")
            for key, place in places.items() if key in before
        ]
        if changed:
            same = [usage_rollups.c[name] == bindparam(f"of_{name}") for name in KEYS]
            change = update(usage_rollups).where(usage_rollups.c.organization == organization, *same)
            self.connection.execute(change.values({name: bindparam(f"new_{name}") for name in PARTS}), changed)
        self._add(organization, {place: found[place] for key, place in places.items() if key not in before})

    def replace(self, organization: str, slots: Sequence[Slot], found: Mapping[Place, Partial]) -> None:
        """Put these in the place of all that is there for these quarter hours."""
        for start in range(0, len(slots), AT_ONCE):
            some = [(slot.meter, slot.subject_ref, slot.start) for slot in slots[start : start + AT_ONCE]]
            same = tuple_(usage_rollups.c.meter, usage_rollups.c.subject_ref, usage_rollups.c.slot).in_(some)
            self.connection.execute(delete(usage_rollups).where(usage_rollups.c.organization == organization, same))
        self._add(organization, found)

    def standing(self, organization: str, slots: Sequence[Slot]) -> list[StoredPoint]:
        """The points of some quarter hours that are not voided."""
        found: list[StoredPoint] = []
        mine = (usage_points.c.organization == organization) & usage_points.c.voided_seq.is_(None)
        for start in range(0, len(slots), SLOTS_AT_ONCE):
            inside = or_(*(_inside(slot) for slot in slots[start : start + SLOTS_AT_ONCE]))
            rows = self.connection.execute(select(*POINT_COLUMNS).where(mine, inside))
            found.extend(StoredPoint(*row) for row in rows)
        return found

    def of(
        self, organization: str, meter: str, refs: Sequence[int] | None, period: Period
    ) -> Iterator[tuple[datetime, Group, Partial]]:
        """The rollups of a meter that begin in a period, of some subjects or of all."""
        if refs is not None and not refs:
            return
        columns = [usage_rollups.c[name] for name in ("slot", "group_values", *PARTS)]
        wanted = [
            usage_rollups.c.organization == organization, usage_rollups.c.meter == meter,
            usage_rollups.c.slot >= period.start, usage_rollups.c.slot < period.end,
        ]
        if refs is not None:
            wanted.append(usage_rollups.c.subject_ref.in_(refs))
        for row in self.connection.execute(select(*columns).where(*wanted)).mappings():
            yield row["slot"], tuple(json.loads(row["group_values"])), _partial(row)

    def _read(self, organization: str, keys: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], Partial]:
        # Any: the columns of the key, each of its type
        columns = [usage_rollups.c[name] for name in (*KEYS, *PARTS)]
        found: dict[tuple[Any, ...], Partial] = {}
        for start in range(0, len(keys), AT_ONCE):
            same = tuple_(*(usage_rollups.c[name] for name in KEYS)).in_(keys[start : start + AT_ONCE])
            query = select(*columns).where(usage_rollups.c.organization == organization, same)
            for row in self.connection.execute(query).mappings():
                found[row["meter"], row["subject_ref"], row["slot"], bytes(row["group_hash"])] = _partial(row)
        return found

    def _add(self, organization: str, found: Mapping[Place, Partial]) -> None:
        rows = [
            {
                "organization": organization, "meter": place.meter, "subject_ref": place.subject_ref,
                "slot": place.slot, "group_hash": place.hash, "group_values": place.values,
            } | _parts(partial)
            for place, partial in found.items()
        ]
        if rows:
            self.connection.execute(insert(usage_rollups), rows)


def _inside(slot: Slot) -> ColumnElement[bool]:
    return (
        (usage_points.c.meter == slot.meter) & (usage_points.c.subject_ref == slot.subject_ref)
        & (usage_points.c.time >= slot.start) & (usage_points.c.time < slot.start + SLOT)
    )


def _parts(partial: Partial, prefix: str = "") -> dict[str, Any]:  # Any: a row's columns
    latest = partial.latest or (None, None, None, None)
    values = (partial.events, partial.counted, partial.total, partial.least, partial.greatest, *latest)
    return {f"{prefix}{name}": value for name, value in zip(PARTS, values, strict=True)}


def _partial(row: RowMapping) -> Partial:
    latest = (row["latest_time"], row["latest_id"], row["latest_source"], row["latest_value"])
    return Partial(
        row["events"], row["counted"], row["total"], row["least"], row["greatest"],
        None if row["latest_time"] is None else latest,
    )
