"""Rollups: the points of a quarter hour of UTC put together, because midnight is not on the hour everywhere.

Values in, values out; the store is `rollup_store.py`. `unique_count` and `weighted_sum` need the points themselves.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from farthing.catalog import Meter
from farthing.pricing.aggregation import Aggregation, Partial, merged, partial_of
from farthing.pricing.calendar import Period
from farthing.usage.quantities.steps import SLOT, Placed, Step, slot_of
from farthing.usage.quantities.tables import Group, group_of

NEED_POINTS: Final = frozenset({Aggregation.UNIQUE_COUNT, Aggregation.WEIGHTED_SUM})


class Place(NamedTuple):
    """What a rollup is of; `group` has the values of the meter's group_by, in its order."""

    meter: str
    subject_ref: int
    slot: datetime
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
    text = json.dumps(group, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode("utf-8"), digest_size=16).digest(), text


@dataclass(frozen=True, slots=True)
class Slot:
    """All groups of one quarter hour."""

    meter: str
    subject_ref: int
    start: datetime


def rolled_up(meters: Mapping[str, Meter], points: Iterable[Placed]) -> dict[Place, Partial]:
    """The rollups of some points; only of meters that can use them."""
    found: dict[Place, Partial] = {}
    for row, point in points:
        meter = meters[row.meter]
        if meter.aggregation in NEED_POINTS:
            continue
        place = Place(row.meter, row.subject_ref, slot_of(row.time), group_of(point.properties, meter.group_by))
        before = found.get(place)
        found[place] = partial_of(point) if before is None else merged(before, partial_of(point))
    return found


def voided_slots(meters: Mapping[str, Meter], step: Step) -> set[Slot]:
    """The quarter hours that have to be put together anew, because something in them counts no longer."""
    return {
        Slot(void.meter, void.subject_ref, slot_of(void.time))
        for void in step.voids if meters[void.meter].aggregation not in NEED_POINTS
    }


def whole_slots(meter: Meter, cut: Sequence[Period], group_by: Sequence[str]) -> Period | None:
    """The part of some windows that rollups can answer for; None where none can.

    A rollup lies in one window only if windows are cut on the quarter hour, as all zones have done for a century.
    """
    if meter.aggregation in NEED_POINTS or not set(group_by) <= set(meter.group_by):
        return None
    if any(window.start != slot_of(window.start) for window in cut[1:]):
        return None
    first, last = slot_of(cut[0].start), slot_of(cut[-1].end)
    if first < cut[0].start:
        first += SLOT
    return Period(first, last) if first < last else None
