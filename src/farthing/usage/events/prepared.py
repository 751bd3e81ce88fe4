"""Events made ready to be stored: all that can be done before the stream is held, so that others wait for little."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from xxhash import xxh3_64_intdigest

from farthing.kernel.columns import stored_instant
from farthing.kernel.strict_json import dumps
from farthing.usage.events.keys import Said
from farthing.usage.events.keyset.hashing import hash_of, signed
from farthing.usage.events.values import Event

COLUMNS: Final = ("hash", "checksum", "source", "id", "type", "time", "received_at", "data", "extensions")
Row = tuple[int, int, str, str, str, int, int, str | None, str | None]  # COLUMNS of the table of events


@dataclass(frozen=True, slots=True)
class Prepared:
    """Events of one organisation, in the order they came.

    seed      of the hashes
    subjects  of the rows, one each
    """

    organization: str
    seed: int
    rows: Sequence[Row]
    subjects: Sequence[str]

    def said(self, place: int) -> Said:
        _, _, source, id, type, time, received_at, data, extensions = self.rows[place]
        return Said(source, id, type, self.subjects[place], time, received_at, data, extensions)


def checksum_of(type: str, subject: str, time: int, data: str | None, extensions: str | None) -> int:
    """64 bits of what an event's row says, signed, by which `farthing verify` sees that it says it still."""
    unsigned = xxh3_64_intdigest(f"{type}\0{subject}\0{time}\0{data or ''}\0{extensions or ''}".encode())
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


def checksums_of(
    types: Sequence[str], subjects: Sequence[str], times: Sequence[int], data: Sequence[str | None]
) -> list[int]:
    """`checksum_of` for events without extensions."""
    digest = xxh3_64_intdigest  # looked up once, not for each of many
    rows = zip(types, subjects, times, data, strict=True)
    return signed([digest(f"{type}\0{subject}\0{time}\0{said or ''}\0".encode()) for type, subject, time, said in rows])


def prepared(organization: str, seed: int, events: Iterable[Event], now: datetime) -> Prepared:
    """Checked events, one by one; those without a time happened `now`."""
    received_at = stored_instant(now)
    rows: list[Row] = []
    subjects: list[str] = []
    for event in events:
        time = received_at if event.time is None else stored_instant(event.time)
        data = None if event.data is None else dumps(event.data).decode()
        extensions = dumps(event.extensions).decode() if event.extensions else None
        checksum = checksum_of(event.type, event.subject, time, data, extensions)
        rows.append((
            hash_of(seed, event.source, event.id), checksum, event.source, event.id, event.type, time, received_at,
            data, extensions,
        ))
        subjects.append(event.subject)
    return Prepared(organization, seed, rows, subjects)


def seeded(batch: Prepared, seed: int) -> Prepared:
    """The same under another seed: that of a store that was put in the place of the one it was prepared for."""
    rows = [(hash_of(seed, row[2], row[3]), *row[1:]) for row in batch.rows]
    return Prepared(batch.organization, seed, rows, batch.subjects)
