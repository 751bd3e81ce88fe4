"""I1: every event that was acknowledged is there once, and says what it said."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import BigInteger, Connection, Row, func, select, type_coerce

from farthing.app import Farthing
from farthing.usage.events.keyset.hashing import hash_of
from farthing.usage.events.models import event_streams, event_voids, events
from farthing.usage.events.prepared import checksum_of
from farthing.usage.events.streams import EVENTS_OF_A_STREAM, Stream
from farthing.usage.subjects.models import event_subjects
from farthing.verification.values import Broken, organizations_in

PAGE = 1_000
event, void = events.c, event_voids.c
COLUMNS = (
    event.place, event.hash, event.checksum, event.source, event.id, event.type, event_subjects.c.subject,
    type_coerce(event.time, BigInteger).label("time"), event.data, event.extensions, event.voids,
    void.seq.label("void"),
)


def listed(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I1: a stream has as many rows as were ever added, none beyond its end, each with the hash of its name and the
    checksum of what was sent, no name twice, and each void once."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, event_streams, organizations):
            found = select(event_streams).where(event_streams.c.organization == organization)
            stream = Stream(**connection.execute(found).mappings().one())
            yield from _counted(connection, stream)
            yield from _beyond(connection, stream)
            yield from _altered(connection, stream)
            yield from _twice(connection, stream)


def _counted(connection: Connection, stream: Stream) -> Iterator[Broken]:
    mine = (event.place > stream.base) & (event.place <= stream.base + stream.last_seq)
    found = connection.execute(select(func.count()).select_from(events).where(mine)).scalar_one()
    if found != stream.stored:
        yield Broken(stream.organization, "events", f"{stream.stored} were acknowledged and {found} are there")


def _beyond(connection: Connection, stream: Stream) -> Iterator[Broken]:
    mine = (event.place > stream.base + stream.last_seq) & (event.place < stream.base + EVENTS_OF_A_STREAM)
    last = connection.execute(select(func.max(event.place)).where(mine)).scalar()
    if last is not None:
        yield Broken(
            stream.organization, f"event {last - stream.base}",
            f"lies beyond the end of the stream, which is at {stream.last_seq}",
        )


def _altered(connection: Connection, stream: Stream) -> Iterator[Broken]:
    """Rows whose checksum or hash is another, and voids that are not noted as such."""
    of = (event_subjects.c.organization == stream.organization) & (event_subjects.c.ref == event.subject_ref)
    by = (void.organization == stream.organization) & (void.event == event.voids)
    query = select(*COLUMNS).outerjoin(event_subjects, of).outerjoin(event_voids, by)
    query = query.where(event.place <= stream.base + stream.last_seq).order_by(event.place).limit(PAGE)
    after = stream.base
    while page := connection.execute(query.where(event.place > after)).all():
        for row in page:
            if (wrong := _wrong(stream, row)) is not None:
                yield Broken(stream.organization, f"event {row.place - stream.base}", f"{row.id} {wrong}")
        after = page[-1].place


def _wrong(stream: Stream, row: Row[tuple[int, ...]]) -> str | None:
    if row.hash != hash_of(stream.seed, row.source, row.id):
        return "has another name than the one it was acknowledged under"
    if row.checksum != checksum_of(row.type, row.subject, row.time, row.data, row.extensions):
        return "says something else than what was sent"
    if row.voids is not None and row.void != row.place - stream.base:
        return "takes out an event that another void took out"
    return None


def _twice(connection: Connection, stream: Stream) -> Iterator[Broken]:
    """Names that are there more than once; hashes may be, if rarely."""
    mine = (event.place > stream.base) & (event.place <= stream.base + stream.last_seq) & event.voids.is_(None)
    shared = connection.execute(select(event.hash).where(mine).group_by(event.hash).having(func.count() > 1))
    hashes = iter(shared.scalars().all())
    while some := list(islice(hashes, PAGE)):
        names = connection.execute(select(event.source, event.id).where(mine, event.hash.in_(some))).all()
        for (_, id), count in Counter((row.source, row.id) for row in names).items():
            if count > 1:
                yield Broken(stream.organization, f"event {id}", f"is there {count} times")
