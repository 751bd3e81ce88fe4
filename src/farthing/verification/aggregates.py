"""I2: what meters count is what their events say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from farthing.app import Farthing
from farthing.catalog import Meter
from farthing.kernel.clock import instant_text
from farthing.kernel.columns import instant_stored
from farthing.usage.events.models import event_streams, events
from farthing.usage.events.store import EventStore
from farthing.usage.events.streams import base_of
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.models import usage_days, usage_points, usage_quarter_hours
from farthing.usage.quantities.rollup_store import PARTS, rollup_of
from farthing.usage.quantities.rollups import NEED_POINTS, Rollup, rolled_up
from farthing.usage.quantities.steps import DAY, SLOT, Followed, StoredPoint, slot_of, step_of
from farthing.usage.quantities.store import EVENT_COLUMNS, POINT_COLUMNS, QuantityStore, raw
from farthing.verification.values import Broken, organizations_in

PAGE = 1_000
_NAMES = {SLOT: "quarter hour", DAY: "day"}
Slot = tuple[int, int]  # a subject's quarter hour or day, as the database has it


@dataclass(frozen=True, slots=True)
class _Look:
    """One meter of one organisation, followed up to a position."""

    connection: Connection
    organization: str
    meter: Meter
    position: int

    def broken(self, row: str, problem: str) -> Broken:
        return Broken(self.organization, row, f"meter {self.meter.key}: {problem}")


def counted(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I2: a meter's points are those of the distinct events it has read, less voided ones, and its quarter hours and
    days are those points put together; windows and periods are sums of these."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, event_streams, organizations):
            meters = farthing[Follower].catalog.meters(organization)
            positions = QuantityStore(connection).positions(organization, [meter.id for meter in meters])
            for meter in meters:
                look = _Look(connection, organization, meter, positions.get(meter.id, 0))
                yield from _points(look)
                yield from _rollups(look, usage_quarter_hours, SLOT)
                yield from _rollups(look, usage_days, DAY)


def _points(look: _Look) -> Iterator[Broken]:
    """Points that are not what their event says, and events without their point."""
    found = 0
    for page in _pages(look, usage_points, ("subject_ref", "time", "seq"), POINT_COLUMNS):
        stored = [StoredPoint(*row) for row in page]
        found += len(stored)
        expected = _expected(look, _events_at(look, [one.seq for one in stored]))
        for one in stored:
            if expected.get(one.seq) != one:
                yield look.broken(f"event {one.seq}", f"counts {one.value}, its event says {_told(expected, one)}")
    wanted = sum(len(step_of([look.meter], page).points) for page in _event_pages(look))
    if found != wanted:
        yield look.broken("points", f"{found} events are counted, {wanted} should be")


def _told(expected: Mapping[int, StoredPoint], one: StoredPoint) -> str:
    other = expected.get(one.seq)
    if other is None:
        return "nothing"
    return f"{other.value}" if other.value != one.value else "another subject, time, property or void"


def _expected(look: _Look, found: Sequence[Followed]) -> dict[int, StoredPoint]:
    """The points that these events are, by sequence number; a void beyond the position is not there yet."""
    by = EventStore(look.connection).voided(look.organization, [one.seq for one in found])
    rows = [row for row, _, _ in step_of([look.meter], found).points]
    return {row.seq: row._replace(voided_seq=_until(by.get(row.seq), look.position)) for row in rows}


def _until(seq: int | None, position: int) -> int | None:
    return seq if seq is not None and seq <= position else None


def _events_at(look: _Look, seqs: Sequence[int]) -> list[Followed]:
    base = base_of(look.organization)
    mine = events.c.place.in_([base + seq for seq in seqs]) & (events.c.place <= base + look.position)
    kind = events.c.voids.is_(None) & (events.c.type == look.meter.event_type)
    return [Followed(*row) for row in look.connection.execute(select(*EVENT_COLUMNS).where(mine, kind))]


def _event_pages(look: _Look) -> Iterator[list[Followed]]:
    for after in range(0, look.position, PAGE):
        upto = min(after + PAGE, look.position)
        yield QuantityStore(look.connection).events(look.organization, [look.meter.event_type], after, upto)


def _rollups(look: _Look, table: Table, width: int) -> Iterator[Broken]:
    """Quarter hours, or days, that are not their points put together: both are read in one order, side by side."""
    if look.meter.aggregation in NEED_POINTS:
        return
    name = _NAMES[width]
    stored = groupby(_stored_rollups(look, table), lambda each: each[0])
    now = next(stored, None)
    for slot, expected in _made_again(look, width):
        while now is not None and now[0] < slot:
            yield look.broken(_named(now[0]), f"a {name} has something and no events")
            now = next(stored, None)
        there = {group: rollup for _, group, rollup in now[1]} if now is not None and now[0] == slot else {}
        if there != expected:
            yield look.broken(_named(slot), f"a {name} is not the sum of its events")
        if now is not None and now[0] == slot:
            now = next(stored, None)
    for slot, _ in ([now] if now is not None else []) + list(stored):
        yield look.broken(_named(slot), f"a {name} has something and no events")


def _named(slot: Slot) -> str:
    return f"subject {slot[0]} at {instant_text(instant_stored(slot[1]))}"


def _made_again(look: _Look, width: int) -> Iterator[tuple[Slot, dict[bytes, Rollup]]]:
    """Each quarter hour or day with points that count, by subject and time, and what they come to by group."""
    pages = _pages(look, usage_points, ("subject_ref", "time", "seq"), POINT_COLUMNS)
    points = (StoredPoint(*row) for page in pages for row in page)
    for slot, members in groupby(points, lambda one: (one.subject_ref, slot_of(one.time, width))):
        standing = (one.placed() for one in members if one.voided_seq is None)
        if found := rolled_up({look.meter.id: look.meter}, standing, width):
            yield slot, {place.hash: rollup for place, rollup in found.items()}


def _stored_rollups(look: _Look, table: Table) -> Iterator[tuple[Slot, bytes, Rollup]]:
    key = ("subject_ref", "slot", "group_hash")
    for page in _pages(look, table, key, [raw(table.c[name]) for name in (*key, *PARTS)]):
        for ref, slot, hash, *parts in page:
            yield (ref, slot), bytes(hash), rollup_of(parts)


def _pages(
    look: _Look, table: Table, order: Sequence[str], columns: Sequence[ColumnElement[Any]]  # Any: any column's type
) -> Iterator[Sequence[Any]]:  # Any: rows
    """A meter's rows of a table, by key."""
    keys = [raw(table.c[name]) for name in order]
    query = select(*columns).where(table.c.organization == look.organization, table.c.meter == look.meter.id)
    query = query.order_by(*keys).limit(PAGE)
    page = look.connection.execute(query).all()
    while page:
        yield page
        last = [getattr(page[-1], name) for name in order]
        page = look.connection.execute(query.where(_beyond(keys, last))).all()


def _beyond(keys: Sequence[ColumnElement[Any]], last: Iterable[object]) -> ColumnElement[bool]:  # Any: as above
    """What comes after a row, by some columns in order."""
    values = list(last)
    return or_(*(
        and_(*(keys[n] == values[n] for n in range(place)), keys[place] > values[place]) for place in range(len(keys))
    ))
