"""I1: every event that was acknowledged is there once, and says what it said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from farthing.app import Farthing
from farthing.kernel.strict_json import decoded
from farthing.usage.events.keys import key_of, void_hash_of
from farthing.usage.events.models import event_keys, event_streams, events
from farthing.usage.events.values import Event
from farthing.usage.subjects.models import event_subjects
from farthing.verification.values import Broken, organizations_in

PAGE = 1_000
event, key = events.c, event_keys.c


def listed(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I1: what was ever claimed has its row, every row was claimed and has the digest of what was sent, and none lies
    beyond the end of its stream."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, event_streams, organizations):
            yield from _gone(connection, organization)
            yield from _beyond(connection, organization)
            yield from _altered(connection, organization)


def _gone(connection: Connection, organization: str) -> Iterator[Broken]:
    here = (event.organization == key.organization) & (event.seq == key.seq)
    query = select(key.seq).outerjoin(events, here).where(key.organization == organization, event.seq.is_(None))
    for seq in connection.execute(query).scalars():
        yield Broken(organization, f"event {seq}", "was acknowledged and is not there")


def _beyond(connection: Connection, organization: str) -> Iterator[Broken]:
    last = select(event_streams.c.last_seq).where(event_streams.c.organization == organization)
    found = connection.execute(select(func.max(event.seq)).where(event.organization == organization)).scalar() or 0
    if found > (end := connection.execute(last).scalar_one()):
        yield Broken(organization, f"event {found}", f"lies beyond the end of the stream, which is at {end}")


@dataclass(frozen=True, slots=True)
class _Row:
    """An event as it is stored, with the name under which it came."""

    seq: int
    kind: str
    source: str
    id: str
    type: str
    subject: str
    time: datetime
    data: str | None
    extensions: str | None

    def said(self, time: datetime | None) -> Event:
        """The event as it was sent, if it was sent with this time."""
        return Event(
            self.source, self.id, self.type, self.subject, time, _json(self.data), _json(self.extensions) or {}
        )


def _json(text: str | None) -> dict[str, object] | None:
    return None if text is None else decoded(text.encode("utf-8"))  # type: ignore[return-value]  # an object, always


def _altered(connection: Connection, organization: str) -> Iterator[Broken]:
    """Rows whose digest is another, or that were never claimed."""
    of = (event_subjects.c.organization == event.organization) & (event_subjects.c.ref == event.subject_ref)
    columns = (
        event.seq, event.kind, event.source, event.id, event.type, event_subjects.c.subject, event.time, event.data,
        event.extensions,
    )
    query = select(*columns).outerjoin(event_subjects, of).where(event.organization == organization)
    after = -1  # no event has the number 0, which does not keep anybody from adding one
    while page := connection.execute(query.where(event.seq > after).order_by(event.seq).limit(PAGE)).all():
        yield from _wrong(connection, organization, [_Row(*row) for row in page])
        after = page[-1].seq


def _wrong(connection: Connection, organization: str, rows: Sequence[_Row]) -> Iterator[Broken]:
    names = {
        row.seq: void_hash_of(row.source, row.id) if row.kind == "void" else key_of(row.said(None)).hash for row in rows
    }
    wanted = (key.organization == organization) & key.hash.in_(list(names.values()))
    claimed = {
        bytes(hash): (seq, bytes(content))
        for hash, seq, content in connection.execute(select(key.hash, key.seq, key.content).where(wanted))
    }
    for row in rows:
        seq, content = claimed.get(names[row.seq], (None, b""))
        if seq != row.seq:
            yield Broken(organization, f"event {row.seq}", f"{row.kind} {row.id} was never acknowledged as this one")
        elif row.kind == "event" and content not in (key_of(row.said(time)).content for time in (row.time, None)):
            yield Broken(organization, f"event {row.seq}", f"{row.id} says something else than what was sent")
