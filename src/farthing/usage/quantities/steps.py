"""What some meters make of some events: values in, rows out, no store."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from farthing.catalog import Meter
from farthing.kernel.columns import EPOCH
from farthing.kernel.strict_json import decoded
from farthing.pricing.aggregation import Aggregation, Point
from farthing.pricing.arithmetic import plain
from farthing.usage.quantities.reading import Data, Unusable, counts, properties_of, value_of

SLOT: Final = timedelta(minutes=15)
SKEW: Final = timedelta(minutes=1)  # by which the clocks of two processes may differ, and a batch may take to be kept


def slot_of(time: datetime) -> datetime:
    """The start of the quarter hour that holds an instant."""
    return time - (time - EPOCH) % SLOT


@dataclass(frozen=True, slots=True)
class Followed:
    """An event or a void as a follower reads it."""

    seq: int
    source: str
    id: str
    type: str
    subject_ref: int
    time: datetime
    data: str | None
    voids: int | None
    received_at: datetime


class StoredPoint(NamedTuple):
    """A row of usage_points."""

    meter: str
    subject_ref: int
    time: datetime
    seq: int
    source: str
    id: str
    value: str | None
    properties: str
    voided_seq: int | None = None

    def point(self, aggregation: Aggregation) -> Point:
        """The same as pricing takes it."""
        value = self.value if self.value is None or aggregation is Aggregation.UNIQUE_COUNT else Decimal(self.value)
        return Point(self.time, self.source, self.id, value, json.loads(self.properties))


Placed = tuple[StoredPoint, Point]  # the same event as it is stored and as pricing takes it


@dataclass(frozen=True, slots=True)
class VoidedPoint:
    """The row of usage_points that a void takes out, if its meter counts the event at all."""

    meter: str
    subject_ref: int
    time: datetime
    seq: int
    voided_seq: int


@dataclass(frozen=True, slots=True)
class UnusableEvent:
    """An event whose value a meter cannot count."""

    meter: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class LateArrival:
    """Events of one subject and meter that came when their time was over, or were voided: where to look again.

    seq               of the last of them
    earliest, latest  their times
    """

    subject_ref: int
    meter: str
    seq: int
    earliest: datetime
    latest: datetime


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
        earliest = event.time if known is None else min(known.earliest, event.time)
        latest = event.time if known is None else max(known.latest, event.time)
        step.late[place] = LateArrival(*place, event.seq, earliest, latest)


def _read(meters: Sequence[Meter], event: Followed, step: Step) -> None:
    data = _data(event.data)
    properties = properties_of(data)
    text = json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
    for meter in meters:
        if not counts(meter, properties):
            continue
        try:
            value = value_of(meter, data)
        except Unusable as error:
            step.unusable.append(UnusableEvent(meter.id, event.seq, str(error)))
            continue
        stored = plain(value) if isinstance(value, Decimal) else value
        step.points.append((
            StoredPoint(
                meter.id, event.subject_ref, event.time, event.seq, event.source, event.id, stored, text
            ),
            Point(event.time, event.source, event.id, value, properties),
        ))


def _data(text: str | None) -> Data:
    return None if text is None else decoded(text.encode("utf-8"))  # type: ignore[return-value]  # checked when it came
