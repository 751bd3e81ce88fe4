"""Rows of rollups: quarter hours and days, kept alike."""

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select

from farthing.kernel.bulk import put_rows, read_pairs
from farthing.kernel.columns import instant_stored, stored_instant
from farthing.pricing.aggregation import Partial
from farthing.pricing.arithmetic import plain
from farthing.pricing.calendar import Period
from farthing.usage.quantities.models import usage_points
from farthing.usage.quantities.rollups import Place, Rollup, Rollups, Slot
from farthing.usage.quantities.steps import SLOT, StoredPoint
from farthing.usage.quantities.store import POINT_COLUMNS, raw
from farthing.usage.quantities.tables import Group
from farthing.usage.quantities.units import Units, decimal_of, fits, units_of

AT_ONCE: Final = 100  # conditions in one query
KEY: Final = ("organization", "meter", "subject_ref", "slot", "group_hash")
NUMBERS: Final = ("total", "least", "greatest", "latest_value")
PARTS: Final = ("events", "counted", *NUMBERS, "beyond", "latest_time", "latest_id", "latest_source")
COLUMNS: Final = (*KEY, "group_values", *PARTS, "seq")
_group: Final = msgspec.json.Decoder(tuple[str | None, ...]).decode
_beyond: Final = msgspec.json.Decoder(list[str | None]).decode


@dataclass(frozen=True, slots=True)
class RollupStore:
    """Of one organisation, in one of the two tables."""

    connection: Connection
    table: Table
    organization: str

    def fold(self, found: Rollups, anew: Set[Slot], seq: int) -> None:
        """Add these to what is there; `found` has all there is of the slots that are made `anew`.

        seq  of the last event that has been read for them
        """
        self._forget(anew)
        adding = {place: rollup for place, rollup in found.items() if place.slot not in anew} if anew else found
        by_meter: dict[str, set[tuple[int, int]]] = {}
        for (meter, ref, start), _ in adding:
            by_meter.setdefault(meter, set()).add((ref, start))
        for meter, pairs in by_meter.items():
            for place, rollup in self._at(meter, sorted(pairs)):
                if place in adding:
                    adding[place].add(rollup)
        rows = sorted(_row(self.organization, place, rollup, seq) for place, rollup in found.items())
        put_rows(self.connection, self.table, COLUMNS, rows, len(KEY))

    def of(
        self, meter: str, refs: Sequence[int] | None, periods: Sequence[Period]
    ) -> Iterator[tuple[datetime, Group, Partial]]:
        """The rollups of a meter that begin in some periods, of some subjects or of all."""
        if refs is not None and not refs:
            return
        columns = [self.table.c[name] for name in ("slot", "group_values")]
        query = select(*columns, *(raw(self.table.c[name]) for name in PARTS))
        for start in range(0, len(periods), AT_ONCE):
            spans = periods[start : start + AT_ONCE]
            times = [(stored_instant(one.start), stored_instant(one.end)) for one in spans]
            inside = or_(*(self._span(meter, refs, *both) for both in times))
            for slot, group, *parts in self.connection.execute(query.where(inside)):
                yield slot, _group(group), rollup_of(parts).partial

    def tallies(
        self, meter: str, refs: Sequence[int], period: Period
    ) -> Iterator[tuple[int, Group, int, Rollup]]:
        """The rollups of some subjects that begin in a period: subject, group, up to where events had been read."""
        columns = [self.table.c[name] for name in ("subject_ref", "group_values", "seq")]
        query = select(*columns, *(raw(self.table.c[name]) for name in PARTS))
        start, end = stored_instant(period.start), stored_instant(period.end)
        for ref, group, seq, *parts in self.connection.execute(query.where(self._span(meter, refs, start, end))):
            yield ref, _group(group), seq, rollup_of(parts)

    def within(self, slots: Collection[Slot], width: int) -> Iterator[tuple[Place, Rollup]]:
        """The rollups that lie in some wider slots."""
        columns = [self.table.c[name] for name in ("meter", "subject_ref", "group_values")]
        query = select(*columns, raw(self.table.c.slot), *(raw(self.table.c[name]) for name in PARTS))
        for inside in self._inside(slots, width):
            for meter, ref, group, slot, *parts in self.connection.execute(query.where(inside)):
                yield Place(Slot(meter, ref, slot), _group(group)), rollup_of(parts)

    def _inside(self, slots: Collection[Slot], width: int) -> Iterator[ColumnElement[bool]]:
        ordered = sorted(slots)
        for start in range(0, len(ordered), AT_ONCE):
            yield or_(*(
                self._span(slot.meter, [slot.subject_ref], slot.start, slot.start + width)
                for slot in ordered[start : start + AT_ONCE]
            ))

    def _span(self, meter: str, refs: Sequence[int] | None, start: int, end: int) -> ColumnElement[bool]:
        """Each term of an OR names the organisation by itself: SQLite looks for an index in each term alone."""
        mine = (self.table.c.organization == self.organization) & (self.table.c.meter == meter)
        if refs is not None:
            mine &= self.table.c.subject_ref.in_(refs)
        return mine & (self.table.c.slot >= instant_stored(start)) & (self.table.c.slot < instant_stored(end))

    def _at(self, meter: str, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[Place, Rollup]]:
        """All groups of some slots of one meter, each given by its subject and start."""
        mine = {"organization": self.organization, "meter": meter}
        names = ("subject_ref", "slot", "group_values", *PARTS)
        for ref, start, group, *parts in read_pairs(
            self.connection, self.table, names, mine, ("subject_ref", "slot"), pairs
        ):
            yield Place(Slot(meter, ref, start), _group(group)), rollup_of(parts)

    def _forget(self, slots: Collection[Slot]) -> None:
        for inside in self._inside(slots, 1):
            self.connection.execute(delete(self.table).where(inside))


def standing_points(connection: Connection, organization: str, slots: Collection[Slot]) -> Iterator[StoredPoint]:
    """The points of some quarter hours that are not voided."""
    ordered = sorted(slots)
    for start in range(0, len(ordered), AT_ONCE):
        inside = or_(*(_points_in(organization, slot) for slot in ordered[start : start + AT_ONCE]))
        query = select(*POINT_COLUMNS).where(inside, usage_points.c.voided_seq.is_(None))
        yield from (StoredPoint(*row) for row in connection.execute(query))


def _points_in(organization: str, slot: Slot) -> ColumnElement[bool]:
    start, end = instant_stored(slot.start), instant_stored(slot.start + SLOT)
    return (
        (usage_points.c.organization == organization) & (usage_points.c.meter == slot.meter)
        & (usage_points.c.subject_ref == slot.subject_ref) & (usage_points.c.time >= start)
        & (usage_points.c.time < end)
    )


def rollup_of(parts: Sequence[Any]) -> Rollup:  # Any: a row's columns
    """What was stored of it; `parts` in the order of PARTS."""
    events, counted, total, least, greatest, value, beyond, time, id, source = parts
    if beyond is not None:
        total, least, greatest, value = (
            None if text is None else units_of(Decimal(text)) for text in _beyond(beyond)
        )
    return Rollup(events, counted, total, least, greatest, None if time is None else (time, id, source, value))


def _row(organization: str, place: Place, rollup: Rollup, seq: int) -> tuple[Any, ...]:  # Any: as a database stores it
    slot = place.slot
    time, id, source, value = rollup.latest or (None, None, None, None)
    numbers: Sequence[Units | None] = (rollup.total, rollup.least, rollup.greatest, value)
    beyond = None
    if not all(fits(one) for one in numbers):
        texts = [None if one is None else plain(decimal_of(one)) for one in numbers]
        numbers, beyond = (None,) * len(numbers), msgspec.json.encode(texts).decode()
    return (
        organization, slot.meter, slot.subject_ref, slot.start, place.hash, place.values, rollup.events,
        rollup.counted, *numbers, beyond, time, id, source, seq,
    )
