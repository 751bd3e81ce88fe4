"""Rows of rollups."""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, or_, select, update

from farthing.pricing.aggregation import Partial, merged
from farthing.pricing.calendar import Period
from farthing.usage.quantities.models import usage_points, usage_rollups
from farthing.usage.quantities.rollups import Place, Slot
from farthing.usage.quantities.steps import SLOT, StoredPoint
from farthing.usage.quantities.store import POINT_COLUMNS
from farthing.usage.quantities.tables import Group

AT_ONCE: Final = 100  # conditions in one query
PARTS: Final = (
    "events", "counted", "total", "least", "greatest", "latest_time", "latest_id", "latest_source", "latest_value",
)
KEYS: Final = ("meter", "subject_ref", "slot", "group_hash")


@dataclass(frozen=True, slots=True)
class RollupStore:
    connection: Connection

    def merge(self, organization: str, found: Mapping[Place, Partial]) -> None:
        """Add these to what is there."""
        before = self._read(organization, found.keys())
        changed = [
            {"of_meter": place.meter, "of_subject_ref": place.subject_ref, "of_slot": place.slot,
             "of_group_hash": place.hash} | _parts(merged(partial, found[place]), "new_")
            for place, partial in before.items()
        ]
        if changed:
            same = [usage_rollups.c[name] == bindparam(f"of_{name}") for name in KEYS]
            change = update(usage_rollups).where(usage_rollups.c.organization == organization, *same)
            self.connection.execute(change.values({name: bindparam(f"new_{name}") for name in PARTS}), changed)
        self._add(organization, {place: partial for place, partial in found.items() if place not in before})

    def replace(self, organization: str, slots: Sequence[Slot], found: Mapping[Place, Partial]) -> None:
        """Put these in the place of all that is there for these quarter hours."""
        for start in range(0, len(slots), AT_ONCE):
            old = or_(*(_is(organization, slot) for slot in slots[start : start + AT_ONCE]))
            self.connection.execute(delete(usage_rollups).where(old))
        self._add(organization, found)

    def standing(self, organization: str, slots: Sequence[Slot]) -> list[StoredPoint]:
        """The points of some quarter hours that are not voided."""
        found: list[StoredPoint] = []
        for start in range(0, len(slots), AT_ONCE):
            inside = or_(*(_inside(organization, slot) for slot in slots[start : start + AT_ONCE]))
            query = select(*POINT_COLUMNS).where(inside, usage_points.c.voided_seq.is_(None))
            found.extend(StoredPoint(*row) for row in self.connection.execute(query))
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
            yield row["slot"], tuple(json.loads(row["group_values"])), stored_partial(row)

    def _read(self, organization: str, places: Set[Place]) -> dict[Place, Partial]:
        """Those of these that are there."""
        columns = [usage_rollups.c[name] for name in (*KEYS, "group_values", *PARTS)]
        terms = [_any_of(organization, some) for some in _alike(places)]
        found: dict[Place, Partial] = {}
        for start in range(0, len(terms), AT_ONCE):
            query = select(*columns).where(or_(*terms[start : start + AT_ONCE]))
            for row in self.connection.execute(query).mappings():
                group = tuple(json.loads(row["group_values"]))
                place = Place(row["meter"], row["subject_ref"], row["slot"], group)
                if place in places:
                    found[place] = stored_partial(row)
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


# Each term of an OR names the organisation by itself: SQLite looks for an index in each term alone.


def _is(organization: str, slot: Slot) -> ColumnElement[bool]:
    return (
        (usage_rollups.c.organization == organization) & (usage_rollups.c.meter == slot.meter)
        & (usage_rollups.c.subject_ref == slot.subject_ref) & (usage_rollups.c.slot == slot.start)
    )


def _alike(places: Set[Place]) -> list[list[Place]]:
    """Places of one meter and quarter hour together, or of one meter and subject, whichever makes fewer questions.

    What happens now is many subjects in few quarter hours; what is read from a file of last month is the reverse.
    """
    by_slot: dict[tuple[str, datetime], list[Place]] = {}
    by_subject: dict[tuple[str, int], list[Place]] = {}
    for place in places:
        by_slot.setdefault((place.meter, place.slot), []).append(place)
        by_subject.setdefault((place.meter, place.subject_ref), []).append(place)
    return list(by_slot.values()) if len(by_slot) <= len(by_subject) else list(by_subject.values())


def _any_of(organization: str, places: Sequence[Place]) -> ColumnElement[bool]:
    """Some rollups of one meter, and others beside them."""
    return (
        (usage_rollups.c.organization == organization) & (usage_rollups.c.meter == places[0].meter)
        & usage_rollups.c.subject_ref.in_({place.subject_ref for place in places})
        & usage_rollups.c.slot.in_({place.slot for place in places})
        & usage_rollups.c.group_hash.in_({place.hash for place in places})
    )


def _inside(organization: str, slot: Slot) -> ColumnElement[bool]:
    return (
        (usage_points.c.organization == organization) & (usage_points.c.meter == slot.meter)
        & (usage_points.c.subject_ref == slot.subject_ref) & (usage_points.c.time >= slot.start)
        & (usage_points.c.time < slot.start + SLOT)
    )


def _parts(partial: Partial, prefix: str = "") -> dict[str, Any]:  # Any: a row's columns
    latest = partial.latest or (None, None, None, None)
    values = (partial.events, partial.counted, partial.total, partial.least, partial.greatest, *latest)
    return {f"{prefix}{name}": value for name, value in zip(PARTS, values, strict=True)}


def stored_partial(row: RowMapping) -> Partial:
    latest = (row["latest_time"], row["latest_id"], row["latest_source"], row["latest_value"])
    return Partial(
        row["events"], row["counted"], row["total"], row["least"], row["greatest"],
        None if row["latest_time"] is None else latest,
    )
