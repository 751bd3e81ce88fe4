"""The quick way in for plain batches: decoded by msgspec, `data` kept as it was sent.

It takes nothing that the long way (`bodies.py`, `checks.py`) would refuse or read otherwise, and refuses nothing: a
batch with anything in it that is not as plain as most are goes the long way, which alone decides and explains.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from unicodedata import is_normalized

import msgspec

from farthing.catalog import Meter
from farthing.kernel.columns import stored_instant
from farthing.kernel.strict_json import may_be_unstorable
from farthing.pricing.aggregation import Aggregation
from farthing.usage.events.checks import LONGEST
from farthing.usage.events.keyset.hashing import hashes_of
from farthing.usage.events.prepared import Prepared, Row, checksum_of
from farthing.usage.events.values import AHEAD, MOST_EVENTS

LARGEST: Final = 10**30
HARMLESS: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,9})?", re.ASCII)  # as a literal, and as a text for a meter
SPACED_KEY: Final = re.compile(rb'"\s+:')
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
SCALARS: Final = frozenset({str, int, Decimal, bool, type(None)})
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class PlainEvent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An event with nothing unusual about it."""

    id: Text
    type: Text
    subject: Text
    time: str | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    source: Annotated[str, msgspec.Meta(max_length=LONGEST)] | msgspec.UnsetType = msgspec.UNSET
    specversion: Literal["1.0"] | msgspec.UnsetType = msgspec.UNSET


class _OnlyData(msgspec.Struct, gc=False):
    data: dict[str, Any] | None = None  # Any: JSON


def _harmless(literal: str) -> Decimal:
    if not HARMLESS.fullmatch(literal):
        raise ValueError("not a plain number")
    return Decimal(literal)


_events: Final = msgspec.json.Decoder(list[PlainEvent])
_data: Final = msgspec.json.Decoder(list[_OnlyData], float_hook=_harmless)


class _Wrapped(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    events: list[PlainEvent]


class _OnlyWrapped(msgspec.Struct, gc=False):
    events: list[_OnlyData]


_wrapped: Final = msgspec.json.Decoder(_Wrapped)
_one: Final = msgspec.json.Decoder(PlainEvent)
_wrapped_data: Final = msgspec.json.Decoder(_OnlyWrapped, float_hook=_harmless)
_one_data: Final = msgspec.json.Decoder(_OnlyData, float_hook=_harmless)


@dataclass(frozen=True, slots=True)
class QuickBatch:
    """Plain events, and the body that they came in.

    data  of each event, read: whole numbers and Decimal
    """

    raw: bytes
    events: Sequence[PlainEvent]
    data: Sequence[Mapping[str, Any] | None]


def quick_batch(raw: bytes) -> QuickBatch | None:
    """A JSON body's events when each is plain and no key occurs twice; None when that is not sure."""
    if may_be_unstorable(raw):
        return None
    try:
        events, read, keys = _decoded(raw)
    except (msgspec.MsgspecError, ValueError):
        return None
    data = [one.data for one in read]
    if len(events) > MOST_EVENTS or SPACED_KEY.search(raw) or raw.count(b'":') != keys + _keys(events, data):
        return None
    for one in data:
        if one and not _plain(one.values()):
            return None
    return QuickBatch(raw, events, data) if _printable(events) else None


def _decoded(raw: bytes) -> tuple[Sequence[PlainEvent], Sequence[_OnlyData], int]:
    """The events, their data, and the number of keys around them."""
    if raw.lstrip()[:1] == b"[":
        return _events.decode(raw), _data.decode(raw), 0
    try:
        return [_one.decode(raw)], [_one_data.decode(raw)], 0
    except msgspec.MsgspecError:
        return _wrapped.decode(raw).events, _wrapped_data.decode(raw).events, 1


def _keys(events: Sequence[PlainEvent], data: Sequence[Mapping[str, Any] | None]) -> int:
    """How many keys all objects have together: a text has more colons behind quotes when one occurs twice."""
    unset = msgspec.UNSET
    return sum(
        3 + (one.time is not unset) + (one.data is not unset) + (one.source is not unset)
        + (one.specversion is not unset) + (len(data) if data else 0)
        for one, data in zip(events, data, strict=True)
    )


def _plain(values: Iterable[object]) -> bool:
    for value in values:
        if type(value) not in SCALARS or (type(value) is int and not -LARGEST < value < LARGEST):
            return False
    return True


def _printable(events: Sequence[PlainEvent]) -> bool:
    """Whether no attribute has a character that needs a second look, and each subject is in its normal form."""
    unset = msgspec.UNSET
    subjects = "".join([one.subject for one in events])
    texts = [f"{one.id}{one.type}{one.source if one.source is not unset else ''}" for one in events]
    normal = subjects.isascii() or is_normalized("NFC", "\n".join([one.subject for one in events]))
    return normal and subjects.isprintable() and "".join(texts).isprintable()


def quickly_prepared(
    batch: QuickBatch, organization: str, seed: int, now: datetime, meters: Mapping[str, Sequence[Meter]]
) -> Prepared | None:
    """A plain batch ready to be stored; None where a time or a value needs the long way.

    meters  those that look at a value, by type of event
    """
    if meters and not _usable(batch, meters):
        return None
    received_at, latest = stored_instant(now), stored_instant(now + AHEAD)
    unset = msgspec.UNSET
    names = [("" if one.source is unset else one.source, one.id) for one in batch.events]
    rows: list[Row] = []
    for one, hash, (source, id) in zip(batch.events, hashes_of(seed, names), names, strict=True):
        if one.time is unset:
            time = received_at
        elif (found := _microseconds(one.time)) is None or found > latest:
            return None
        else:
            time = found
        data = None if one.data is unset or one.data == b"null" else bytes(one.data).decode()
        rows.append((
            hash, checksum_of(one.type, one.subject, time, data, None), source, id, one.type, time, received_at, data,
            None,
        ))
    return Prepared(organization, seed, rows, [one.subject for one in batch.events])


def _microseconds(text: str) -> int | None:
    """Of a UTC time as most write it."""
    if not TIME.fullmatch(text) or text < "1970":
        return None
    try:
        return stored_instant(datetime.fromisoformat(text))
    except ValueError:
        return None


def _usable(batch: QuickBatch, meters: Mapping[str, Sequence[Meter]]) -> bool:
    """Whether each meter can count each value for sure."""
    for one, data in zip(batch.events, batch.data, strict=True):
        for meter in meters.get(one.type, ()):
            value = data.get(meter.value) if data and meter.value else None
            if value is None or meter.aggregation is Aggregation.UNIQUE_COUNT:
                continue
            if type(value) is bool or (type(value) is str and not HARMLESS.fullmatch(value)):
                return False
    return True
