"""Rollups: the points of a quarter hour of UTC put together, because midnight is not on the hour everywhere, and
those of a day of UTC, so that a month is few rows.

Values in, values out; the store is `rollup_store.py`. `unique_count` and `weighted_sum` need the points themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from farthing.catalog import Meter
from farthing.kernel.columns import instant_stored, stored_instant
from farthing.pricing.aggregation import Aggregation, Partial
from farthing.pricing.calendar import Period
from farthing.usage.quantities.steps import DAY, SLOT, Placed, Step, slot_of
from farthing.usage.quantities.tables import Group, group_of
from farthing.usage.quantities.units import Units, decimal_of

NEED_POINTS: Final = frozenset({Aggregation.UNIQUE_COUNT, Aggregation.WEIGHTED_SUM})
Latest = tuple[int, str, str, Units]  # time, id, source, value


class Slot(NamedTuple):
    """All groups of one quarter hour, or of one day; `start` as the database has it."""

    meter: str
    subject_ref: int
    start: int


class Place(NamedTuple):
    """What a rollup is of; `group` has the values of the meter's group_by, in its order."""

    slot: Slot
    group: Group

    @property
    def hash(self) -> bytes:
        return _named(self.group)[0]

    @property
    def values(self) -> str:
        """The group as JSON."""
        return _named(self.group)[1]


@lru_cache(10_000)
def _named(group: Group) -> tuple[bytes, str]:
    text = msgspec.json.encode(group)
    return blake2b(text, digest_size=16).digest(), text.decode()


@dataclass(slots=True)
class Rollup:
    """What is kept of some events, added to as they come; exact in any order and grouped in any way.

    events  all of them; those `counted` have a number, of which the rest speaks
    """

    events: int = 0
    counted: int = 0
    total: Units = 0
    least: Units | None = None
    greatest: Units | None = None
    latest: Latest | None = None

    def count(self, point: Placed) -> None:
        """Add one point."""
        self.events += 1
        units = point.units
        if units is None:
            return
        self.counted += 1
        self.total += units
        if self.least is None or units < self.least:
            self.least = units
        if self.greatest is None or units > self.greatest:
            self.greatest = units
        row = point.row
        if self.latest is None or row.time >= self.latest[0]:
            latest = row.time, row.id, row.source, units
            self.latest = latest if self.latest is None else max(self.latest, latest)

    def add(self, other: "Rollup") -> None:
        """Add all that another has."""
        self.events += other.events
        self.counted += other.counted
        self.total += other.total
        if other.least is None or other.greatest is None or other.latest is None:
            return
        self.least = other.least if self.least is None else min(self.least, other.least)
        self.greatest = other.greatest if self.greatest is None else max(self.greatest, other.greatest)
        self.latest = other.latest if self.latest is None else max(self.latest, other.latest)

    @property
    def partial(self) -> Partial:
        """The same as pricing takes it."""
        if self.least is None or self.greatest is None or self.latest is None:
            return Partial(self.events)
        time, id, source, value = self.latest
        latest = instant_stored(time), id, source, decimal_of(value)
        return Partial(
            self.events, self.counted, decimal_of(self.total), decimal_of(self.least), decimal_of(self.greatest), latest
        )


Rollups = dict[Place, Rollup]


def rolled_up(meters: Mapping[str, Meter], points: Iterable[Placed], width: int = SLOT) -> Rollups:
    """The quarter hours of some points, or their days; only of meters that can use them."""
    found: Rollups = {}
    group_by = {id: meter.group_by for id, meter in meters.items() if meter.aggregation not in NEED_POINTS}
    for point in points:
        row = point.row
        names = group_by.get(row.meter)
        if names is None:
            continue
        group = group_of(point.properties, names) if names else ()
        place = Place(Slot(row.meter, row.subject_ref, row.time - row.time % width), group)
        rollup = found.get(place)
        if rollup is None:
            rollup = found[place] = Rollup()
        rollup.count(point)
    return found


def days_of(quarters: Iterable[tuple[Place, Rollup]]) -> Rollups:
    """Quarter hours put together by days."""
    found: Rollups = {}
    for (slot, group), rollup in quarters:
        place = Place(day_of(slot), group)
        if place not in found:
            found[place] = Rollup()
        found[place].add(rollup)
    return found


def day_of(slot: Slot) -> Slot:
    """The day that holds a quarter hour."""
    return slot._replace(start=slot_of(slot.start, DAY))


def voided_slots(meters: Mapping[str, Meter], step: Step) -> set[Slot]:
    """The quarter hours that have to be put together anew, because something in them counts no longer."""
    return {
        Slot(void.meter, void.subject_ref, slot_of(void.time))
        for void in step.voids if meters[void.meter].aggregation not in NEED_POINTS
    }


def whole_slots(period: Period, width: int = SLOT) -> Period | None:
    """The part of a period that is whole quarter hours, or whole days; None where there is none."""
    first, last = -(-stored_instant(period.start) // width) * width, slot_of(stored_instant(period.end), width)
    return Period(instant_stored(first), instant_stored(last)) if first < last else None


@dataclass(frozen=True, slots=True)
class Cover:
    """From what some windows are answered: each part of their time once."""

    days: Sequence[Period]
    quarters: Sequence[Period]
    points: Sequence[Period]


def split(period: Period) -> tuple[Period | None, list[Period]] | None:
    """The whole days of a period, and what is left of it in quarter hours; None where it is not made of these."""
    if whole_slots(period) != period:
        return None
    days = whole_slots(period, DAY)
    return days, _between([days] if days else [], period)


def covered(meter: Meter, cut: Sequence[Period], group_by: Sequence[str]) -> Cover | None:
    """How rollups answer for some windows that follow each other; None where they cannot.

    A rollup lies in one window only if windows are cut on the quarter hour, as all zones have done for a century.
    """
    if meter.aggregation in NEED_POINTS or not set(group_by) <= set(meter.group_by):
        return None
    if any(stored_instant(window.start) % SLOT for window in cut[1:]):
        return None
    all_of_it = Period(cut[0].start, cut[-1].end)
    whole = whole_slots(all_of_it)
    if whole is None:
        return None
    days = [day for window in cut if (day := whole_slots(window, DAY)) is not None]
    return Cover(days, _between(days, whole), _between([whole], all_of_it))


def _between(taken: Sequence[Period], whole: Period) -> list[Period]:
    """What some periods in order leave of one that holds them."""
    starts = [whole.start, *(period.end for period in taken)]
    ends = [*(period.start for period in taken), whole.end]
    return [Period(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
