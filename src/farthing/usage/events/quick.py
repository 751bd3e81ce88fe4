"""The quick way in for plain batches: decoded by msgspec, `data` kept as it was sent.

It takes nothing that the long way (`bodies.py`, `checks.py`) would refuse or read otherwise, and refuses nothing: a
batch with anything in it that is not as plain as most are goes the long way, which alone decides and explains.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain, repeat
from typing import Annotated, Any, Final, Literal
from unicodedata import is_normalized

import msgspec
import numpy as np

from farthing.catalog import Meter
from farthing.kernel.columns import stored_instant
from farthing.kernel.strict_json import may_be_unstorable
from farthing.pricing.aggregation import Aggregation
from farthing.usage.events.checks import LONGEST
from farthing.usage.events.keyset.hashing import hashes_of
from farthing.usage.events.prepared import Prepared, Row, checksums_of
from farthing.usage.events.values import AHEAD, MOST_EVENTS

LARGEST: Final = 10**30
HARMLESS: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,9})?", re.ASCII)  # as a literal, and as a text for a meter
SPACED_KEY: Final = re.compile(rb'"\s+:')
TIMES: Final = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\n)*", re.ASCII)  # UTC, as most write it
HARMLESS_LINES: Final = re.compile(rf"(?:{HARMLESS.pattern}\n)*", re.ASCII)
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
    """Plain events by column, and the body that they came in.

    times  None: as it comes in
    data   as it was sent; None without it, or null
    read   the data's values: whole numbers and Decimal
    """

    raw: bytes
    sources: Sequence[str]
    ids: Sequence[str]
    types: Sequence[str]
    subjects: Sequence[str]
    times: Sequence[str | None]
    data: Sequence[str | None]
    read: Sequence[Mapping[str, Any] | None]


def quick_batch(raw: bytes) -> QuickBatch | None:
    """A JSON body's events when each is plain and no key occurs twice; None when that is not sure."""
    if may_be_unstorable(raw) or SPACED_KEY.search(raw):
        return None
    try:
        events, read, keys = _decoded(raw)
    except (msgspec.MsgspecError, ValueError):
        return None
    data = [one.data for one in read]
    if len(events) > MOST_EVENTS or raw.count(b'":') != keys + _keys(events, data):
        return None
    if not _plain(chain.from_iterable([one.values() for one in data if one])):
        return None
    unset = msgspec.UNSET
    batch = QuickBatch(
        raw, ["" if one.source is unset else one.source for one in events], [one.id for one in events],
        [one.type for one in events], [one.subject for one in events],
        [None if one.time is unset else one.time for one in events],
        [None if one.data is unset or one.data == b"null" else str(one.data, "utf-8") for one in events], data,
    )
    return batch if _printable(batch) else None


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
    optional = [part for one in events for part in (one.time, one.data, one.source, one.specversion)]
    left_out = sum([part is unset for part in optional])
    return 3 * len(events) + len(optional) - left_out + sum([len(one) for one in data if one])


def _plain(values: Iterable[object]) -> bool:
    """Whether all of them are texts, truths, nothing, or numbers of a size that nobody needs to look at twice."""
    found = list(values)
    return SCALARS.issuperset(map(type, found)) and all(
        -LARGEST < value < LARGEST for value in found if type(value) is int
    )


def _printable(batch: QuickBatch) -> bool:
    """Whether no attribute has a character that needs a second look, and each subject is in its normal form."""
    names = "".join(batch.subjects)
    return (
        (names.isascii() or is_normalized("NFC", "\n".join(batch.subjects))) and names.isprintable()
        and "".join(chain(batch.ids, batch.types, batch.sources)).isprintable()
    )


def quickly_prepared(
    batch: QuickBatch, organization: str, seed: int, now: datetime, meters: Mapping[str, Sequence[Meter]]
) -> Prepared | None:
    """A plain batch ready to be stored; None where a time or a value needs the long way.

    meters  those that look at a value, by type of event
    """
    times = _microseconds(batch.times, now)
    if times is None or not _usable(batch, meters):
        return None
    received_at = stored_instant(now)
    rows: list[Row] = list(zip(
        hashes_of(seed, zip(batch.sources, batch.ids, strict=True)),
        checksums_of(batch.types, batch.subjects, times, batch.data),
        batch.sources, batch.ids, batch.types, times, repeat(received_at), batch.data, repeat(None), strict=False,
    ))
    return Prepared(organization, seed, rows, batch.subjects)


def _microseconds(texts: Sequence[str | None], now: datetime) -> list[int] | None:
    """UTC times as most write them, since 1970; those that are left out are `now`."""
    given = [text for text in texts if text is not None]
    if not _all_match(TIMES, given):
        return None
    try:
        read = np.array([text[:-1] for text in given], "datetime64[us]").astype(np.int64)
    except ValueError:
        return None
    if given and not (read.min() >= 0 and read.max() <= stored_instant(now + AHEAD)):
        return None
    found: list[int] = read.tolist()
    if len(found) == len(texts):
        return found
    following = iter(found)
    return [stored_instant(now) if text is None else next(following) for text in texts]


def _all_match(lines: re.Pattern[str], texts: Sequence[str]) -> bool:
    """Whether each text is one of these lines."""
    joined = "".join([f"{text}\n" for text in texts])
    return joined.count("\n") == len(texts) and lines.fullmatch(joined) is not None


def _usable(batch: QuickBatch, meters: Mapping[str, Sequence[Meter]]) -> bool:
    """Whether each meter can count each value for sure."""
    for type_ in meters.keys() & set(batch.types):
        mine = [data for of, data in zip(batch.types, batch.read, strict=True) if data and of == type_]
        for meter in meters[type_]:
            if meter.value is None or meter.aggregation is Aggregation.UNIQUE_COUNT:
                continue
            values = [data.get(meter.value) for data in mine]
            if bool in set(map(type, values)):
                return False
            if not _all_match(HARMLESS_LINES, [value for value in values if type(value) is str]):
                return False
    return True
