"""Rows of events: added, never changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select

from farthing.usage.events.models import events, rejected_events
from farthing.usage.events.values import KeptRejection, StoredEvent
from farthing.usage.quantities.models import unusable_events
from farthing.usage.subjects.models import event_subjects


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; times are of the event, half-open."""

    customer: str | None = None
    type: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    unusable_for: Sequence[str] | None = None  # meters that cannot count it


@dataclass(frozen=True, slots=True)
class Original:
    """What a void repeats of the event that it takes out."""

    source: str
    id: str
    type: str
    subject_ref: int
    time: datetime


@dataclass(frozen=True, slots=True)
class EventStore:
    connection: Connection

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:  # Any: a row's columns
        if rows:
            self.connection.execute(insert(events), rows)

    def original(self, organization: str, seq: int) -> Original:
        columns = (events.c.source, events.c.id, events.c.type, events.c.subject_ref, events.c.time)
        row = self.connection.execute(select(*columns).where(_at(organization, seq))).mappings().one()
        return Original(**row)

    def received_at(self, organization: str, seq: int) -> datetime:
        query = select(events.c.received_at).where(_at(organization, seq))
        found: datetime = self.connection.execute(query).scalar_one()
        return found

    def window(self, organization: str, types: Sequence[str], after: int, upto: int) -> Sequence[RowMapping]:
        """Everything of these types with `after < seq <= upto`, voids too, in order."""
        wanted = (events.c.organization == organization) & (events.c.seq > after) & (events.c.seq <= upto)
        query = select(events).where(wanted, events.c.type.in_(types)).order_by(events.c.seq)
        return self.connection.execute(query).mappings().all()

    def page(self, organization: str, search: Search, after: int, limit: int) -> list[StoredEvent]:
        same_subject = (event_subjects.c.organization == events.c.organization) & (
            event_subjects.c.ref == events.c.subject_ref
        )
        columns = (
            events.c.seq, events.c.source, events.c.id, events.c.type, event_subjects.c.subject, events.c.time,
            events.c.received_at, events.c.data, events.c.extensions, event_subjects.c.customer,
            event_subjects.c.subscription,
        )
        wanted = [
            events.c.organization == organization, events.c.seq > after, events.c.kind == "event",
            *_conditions(organization, search),
        ]
        query = select(*columns).join(event_subjects, same_subject).where(*wanted).order_by(events.c.seq).limit(limit)
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


def _at(organization: str, seq: int) -> ColumnElement[bool]:
    return (events.c.organization == organization) & (events.c.seq == seq)


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
        conditions.append(events.c.seq.in_(select(unusable_events.c.seq).where(mine)))
    return conditions
