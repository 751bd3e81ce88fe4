"""Rows of events: added, never changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, insert, select, type_coerce

from farthing.usage.events.keys import Said
from farthing.usage.events.models import event_voids, events, rejected_events
from farthing.usage.events.prepared import checksum_of
from farthing.usage.events.streams import EVENTS_OF_A_STREAM, Stream, base_of
from farthing.usage.events.values import KeptRejection, StoredEvent
from farthing.usage.quantities.models import unusable_events
from farthing.usage.subjects.models import event_subjects

AT_ONCE: Final = 1_000  # events asked for in one query
HASHES_AT_ONCE: Final = 50_000
SEQ: Final[ColumnElement[int]] = (events.c.place % EVENTS_OF_A_STREAM).label("seq")


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; times are of the event, half-open."""

    customer: str | None = None
    type: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    unusable_for: Sequence[str] | None = None  # meters that cannot count it


@dataclass(frozen=True, slots=True)
class EventStore:
    connection: Connection

    def said(self, stream: Stream, seqs: Sequence[int]) -> dict[int, Said]:
        """What some events of a stream say, by sequence number; voids are none, and those that are gone are missing."""
        same_subject = (event_subjects.c.organization == stream.organization) & (
            event_subjects.c.ref == events.c.subject_ref
        )
        raw = [type_coerce(column, BigInteger).label(column.name) for column in (events.c.time, events.c.received_at)]
        columns = (
            events.c.place, events.c.source, events.c.id, events.c.type, event_subjects.c.subject, *raw, events.c.data,
            events.c.extensions,
        )
        found: dict[int, Said] = {}
        for start in range(0, len(seqs), AT_ONCE):
            places = [stream.base + seq for seq in seqs[start : start + AT_ONCE]]
            wanted = events.c.place.in_(places) & events.c.voids.is_(None)
            query = select(*columns).join(event_subjects, same_subject).where(wanted)
            for place, *rest in self.connection.execute(query):
                found[place - stream.base] = Said(*rest)
        return found

    def voided(self, organization: str, seqs: Sequence[int]) -> Mapping[int, int]:
        """Which of these events were taken out, each with the number of its void."""
        found: dict[int, int] = {}
        for start in range(0, len(seqs), AT_ONCE):
            some = event_voids.c.event.in_(seqs[start : start + AT_ONCE])
            mine = event_voids.c.organization == organization
            query = select(event_voids.c.event, event_voids.c.seq).where(mine, some)
            found.update((event, seq) for event, seq in self.connection.execute(query))
        return found

    def voided_at(self, organization: str, seq: int) -> datetime | None:
        """When an event was taken out; None while it counts."""
        mine = (event_voids.c.organization == organization) & (event_voids.c.event == seq)
        found: datetime | None = self.connection.execute(select(event_voids.c.received_at).where(mine)).scalar()
        return found

    def void(self, stream: Stream, seq: int, said: Said, now: datetime) -> None:
        """Take an event out by the stream's next number: a row that repeats type, subject and time of the event, so
        that followers find what to take out without it."""
        repeated = ("hash", "source", "id", "type", "subject_ref", "time")
        columns = [events.c[name] for name in repeated]
        row = self.connection.execute(select(*columns).where(events.c.place == stream.base + seq)).mappings().one()
        number = stream.last_seq + 1
        checksum = checksum_of(said.type, said.subject, said.time, None, None)
        self.connection.execute(insert(events).values(
            {**row, "place": stream.base + number, "checksum": checksum, "received_at": now, "voids": seq}
        ))
        self.connection.execute(insert(event_voids).values(
            organization=stream.organization, event=seq, seq=number, received_at=now
        ))

    def page(self, organization: str, search: Search, after: int, limit: int) -> list[StoredEvent]:
        same_subject = (event_subjects.c.organization == organization) & (
            event_subjects.c.ref == events.c.subject_ref
        )
        columns = (
            SEQ, events.c.source, events.c.id, events.c.type, event_subjects.c.subject, events.c.time,
            events.c.received_at, events.c.data, events.c.extensions, event_subjects.c.customer,
            event_subjects.c.subscription,
        )
        wanted = [
            *after_in(organization, after), events.c.voids.is_(None), *_conditions(organization, search),
        ]
        query = select(*columns).join(event_subjects, same_subject).where(*wanted).order_by(events.c.place).limit(limit)
        return [StoredEvent(**row) for row in self.connection.execute(query).mappings()]

    def reasons(self, organization: str, seqs: Sequence[int]) -> Mapping[int, list[tuple[str, str]]]:
        """Why meters cannot count these: meter id and reason, by sequence number."""
        wanted = (unusable_events.c.organization == organization) & unusable_events.c.seq.in_(seqs)
        columns = (unusable_events.c.seq, unusable_events.c.meter, unusable_events.c.reason)
        found: dict[int, list[tuple[str, str]]] = {}
        for seq, meter, reason in self.connection.execute(select(*columns).where(wanted).order_by(columns[1])):
            found.setdefault(seq, []).append((meter, reason))
        return found

    def reject(self, organization: str, rejections: Iterable[KeptRejection]) -> None:
        """Keep these; one that is kept already stays as it is."""
        rows = {one.id: asdict(one) | {"organization": organization} for one in rejections}
        if not rows:
            return
        mine = rejected_events.c.organization == organization
        query = select(rejected_events.c.id).where(mine, rejected_events.c.id.in_(list(rows)))
        kept = set(self.connection.execute(query).scalars())
        new = [row for id, row in rows.items() if id not in kept]
        if new:
            self.connection.execute(insert(rejected_events), new)

    def rejected(self, organization: str, after: tuple[datetime, str] | None, limit: int) -> list[KeptRejection]:
        wanted = [rejected_events.c.organization == organization]
        if after is not None:
            time, id = after
            later = rejected_events.c.received_at > time
            wanted.append(later | ((rejected_events.c.received_at == time) & (rejected_events.c.id > id)))
        order = (rejected_events.c.received_at, rejected_events.c.id)
        rows = self.connection.execute(select(rejected_events).where(*wanted).order_by(*order).limit(limit)).mappings()
        return [KeptRejection(row["id"], row["received_at"], row["event"], row["errors"]) for row in rows]


_HASHES: Final = select(events.c.place, events.c.hash).where(
    events.c.place > bindparam("after"), events.c.place <= bindparam("upto"), events.c.voids.is_(None)
).order_by(events.c.place).limit(HASHES_AT_ONCE)


def hashes_of_stream(connection: Connection, stream: Stream, after: int) -> Iterator[tuple[int, int]]:
    """The sequence numbers and hashes of a stream's events after a position, in order; voids are none.

    Bindings of names and voids take numbers too, so these are not without gaps.
    """
    last, upto = stream.base + after, stream.base + stream.last_seq
    while last < upto and (page := connection.execute(_HASHES, {"after": last, "upto": upto}).all()):
        for place, hash in page:
            yield place - stream.base, hash
        last = page[-1][0]


def after_in(organization: str, after: int, upto: int = EVENTS_OF_A_STREAM - 1) -> list[ColumnElement[bool]]:
    """What lies in an organisation's stream with `after < seq <= upto`."""
    base = base_of(organization)
    return [events.c.place > base + after, events.c.place <= base + upto]


def _conditions(organization: str, search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.customer is not None:
        conditions.append(event_subjects.c.customer == search.customer)
    if search.type is not None:
        conditions.append(events.c.type == search.type)
    if search.start is not None:
        conditions.append(events.c.time >= search.start)
    if search.end is not None:
        conditions.append(events.c.time < search.end)
    if search.unusable_for is not None:
        mine = (unusable_events.c.organization == organization) & unusable_events.c.meter.in_(search.unusable_for)
        conditions.append(SEQ.in_(select(unusable_events.c.seq).where(mine)))
    return conditions
