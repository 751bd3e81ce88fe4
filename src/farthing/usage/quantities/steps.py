"""What some meters make of some events: values in, rows out, no store.

Times are whole microseconds since 1970, as the database has them: a follower reads many, and compares them only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from farthing.catalog import Meter
from farthing.kernel.columns import instant_stored
from farthing.pricing.aggregation import Aggregation, Point, Properties
from farthing.pricing.arithmetic import plain
from farthing.usage.quantities.reading import Unusable, Value, counts, data_of, properties_of, value_of
from farthing.usage.quantities.units import Units, units_of

MINUTE: Final = 60_000_000
SLOT: Final = 15 * MINUTE
DAY: Final = 96 * SLOT  # of UTC
SKEW: Final = MINUTE  # by which the clocks of two processes may differ, and a batch may take to be kept
_encode: Final = msgspec.json.Encoder().encode
_properties: Final = msgspec.json.Decoder(dict[str, str | None]).decode


def slot_of(time: int, width: int = SLOT) -> int:
    """The start of the quarter hour, or other slot, that holds an instant."""
    return time - time % width


class Followed(NamedTuple):
    """An event or a void as a follower reads it."""

    seq: int
    source: str
    id: str
    type: str
    subject_ref: int
    time: int
    data: str | None
    voids: int | None
    received_at: int


class StoredPoint(NamedTuple):
    """A row of usage_points."""

    meter: str
    subject_ref: int
    time: int
    seq: int
    source: str
    id: str
    value: str | None
    properties: str
    voided_seq: int | None = None

    def point(self, aggregation: Aggregation) -> Point:
        """The same as pricing takes it."""
        value = self.value if self.value is None or aggregation is Aggregation.UNIQUE_COUNT else Decimal(self.value)
        return Point(instant_stored(self.time), self.source, self.id, value, _properties(self.properties))

    def placed(self) -> "Placed":
        """The same as rollups take it, where its value is a number."""
        units = None if self.value is None else units_of(Decimal(self.value))
        return Placed(self, units, _properties(self.properties))


class Placed(NamedTuple):
    """A point with what rollups look at; units are None where it has no number."""

    row: StoredPoint
    units: Units | None
    properties: Properties


@dataclass(frozen=True, slots=True)
class VoidedPoint:
    """The row of usage_points that a void takes out, if its meter counts the event at all."""

    meter: str
    subject_ref: int
    time: int
    seq: int
    voided_seq: int


@dataclass(frozen=True, slots=True)
class UnusableEvent:
    """An event whose value a meter cannot count."""

    meter: str
    seq: int
    reason: str


@dataclass(slots=True)
class LateArrival:
    """Events of one subject and meter that came when their time was over, or were voided: where to look again.

    seq               of the last of them
    earliest, latest  their times
    """

    subject_ref: int
    meter: str
    seq: int
    earliest: int
    latest: int


@dataclass(frozen=True, slots=True)
class Step:
    """What to write for some events."""

    late: dict[tuple[int, str], LateArrival] = field(default_factory=dict)
    points: list[Placed] = field(default_factory=list)
    voids: list[VoidedPoint] = field(default_factory=list)
    unusable: list[UnusableEvent] = field(default_factory=list)


def step_of(meters: Sequence[Meter], events: Sequence[Followed]) -> Step:
    """The points, voids and unusable values that these events are for these meters."""
    by_type: dict[str, list[Meter]] = {}
    for meter in meters:
        by_type.setdefault(meter.event_type, []).append(meter)
    step = Step()
    for event in events:
        interested = by_type.get(event.type, ())
        if event.voids is not None:
            step.voids.extend(
                VoidedPoint(meter.id, event.subject_ref, event.time, event.voids, event.seq) for meter in interested
            )
        elif interested:
            _read(interested, event, step)
        if interested and (event.voids is not None or _is_late(event)):
            _note_late(interested, event, step)
    return step


def _is_late(event: Followed) -> bool:
    """Whether a period that was over may have to be looked at again: periods end on the quarter hour (rule 18)."""
    return event.time < slot_of(event.received_at + SKEW)


def _note_late(meters: Sequence[Meter], event: Followed, step: Step) -> None:
    """One note for each subject and meter of a step, however many events there are."""
    for meter in meters:
        place = event.subject_ref, meter.id
        known = step.late.get(place)
        if known is None:
            step.late[place] = LateArrival(*place, event.seq, event.time, event.time)
            continue
        known.seq = event.seq
        known.earliest = min(known.earliest, event.time)
        known.latest = max(known.latest, event.time)


def _read(meters: Sequence[Meter], event: Followed, step: Step) -> None:
    data = data_of(event.data)
    properties = properties_of(data)
    text = _encode(properties).decode()
    for meter in meters:
        if meter.filter and not counts(meter, properties):
            continue
        try:
            value = value_of(meter, data)
        except Unusable as error:
            step.unusable.append(UnusableEvent(meter.id, event.seq, str(error)))
            continue
        step.points.append(_placed(meter, event, value, properties, text))


def _placed(meter: Meter, event: Followed, value: Value, properties: Mapping[str, str | None], text: str) -> Placed:
    stored, units = (plain(value), units_of(value)) if isinstance(value, Decimal) else (value, None)
    row = StoredPoint(meter.id, event.subject_ref, event.time, event.seq, event.source, event.id, stored, text)
    return Placed(row, units, properties)
