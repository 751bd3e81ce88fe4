"""The use cases of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from farthing.catalog import Meter, MeterBook
from farthing.customers import CustomerBook
from farthing.kernel.cache.remembered import Remembered
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.kernel.strict_json import dumps
from farthing.kernel.telemetry import Telemetry
from farthing.pricing.aggregation import Aggregation
from farthing.usage import Metering
from farthing.usage.events.appending import Outcome
from farthing.usage.events.bodies import Batch, UnreadableLines, batch_of_json
from farthing.usage.events.checks import Rules, checked
from farthing.usage.events.intake import Intake
from farthing.usage.events.keys import Said
from farthing.usage.events.keyset.hashing import hash_of
from farthing.usage.events.prepared import Prepared, prepared
from farthing.usage.events.quick import QuickBatch, quickly_prepared
from farthing.usage.events.store import EventStore, Search
from farthing.usage.events.streams import Stream, StreamStore
from farthing.usage.events.values import (
    BadEvents,
    Event,
    EventNotFound,
    Ingested,
    KeptRejection,
    Listed,
    Rejected,
    Voided,
)

MetersByType = Mapping[str, Sequence[Meter]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list of events is narrowed to; the customer by id or key, times half-open."""

    customer: str | None = None
    type: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    unusable: bool = False


@dataclass(frozen=True, slots=True)
class Events:
    """Takes events in, each once, and takes them out again, once."""

    database: Database
    now: Clock
    catalog: MeterBook
    customers: CustomerBook
    metering: Metering
    telemetry: Telemetry
    intake: Intake
    meters: Remembered[MetersByType]
    seeds: dict[str, int] = field(default_factory=dict)

    def ingest(self, caller: Caller, batch: Batch | QuickBatch, skip: bool) -> Ingested:
        """Store a batch; what returns is durable (rules 16 and 17).

        skip    store the good ones and keep the bad ones with their reason; else one bad event fails all
        raises  BadEvents, UnreadableLines
        """
        organization = caller.organization
        now = self.now(organization)
        if isinstance(batch, QuickBatch):
            if (ready := self._quickly(organization, batch, now)) is not None:
                return self._stored(ready, (), now)
            batch = batch_of_json(batch.raw)
        good, rejected = self._checked(organization, batch, now)
        if rejected and not skip:
            raise _refusal(rejected)
        return self._stored(prepared(organization, self._seed(organization), good, now), rejected, now)

    def _quickly(self, organization: str, batch: QuickBatch, now: datetime) -> Prepared | None:
        """The batch ready to be stored, when all in it is as plain as most are; None: the long way decides."""
        return quickly_prepared(batch, organization, self._seed(organization), now, self._looking(organization))

    def _stored(self, batch: Prepared, rejected: Sequence[Rejected], now: datetime) -> Ingested:
        kept = [_kept(one, now) for one in rejected]
        outcome = self.intake.store(batch, kept) if batch.rows or kept else Outcome()
        conflicts = list(dict.fromkeys(batch.said(place).id for place in outcome.conflicts))
        self.database.after_commit(lambda: self._count(outcome, len(rejected)))
        return Ingested(len(outcome.new), len(outcome.duplicates), len(outcome.conflicts), conflicts, rejected)

    def void(self, caller: Caller, source: str, id: str) -> Voided:
        """Take an event out of every aggregate, once; again gives the same answer. Raises EventNotFound."""
        organization = caller.organization
        now = self.now(organization)
        with self.database.write() as connection:
            streams, store = StreamStore(connection), EventStore(connection)
            stream = streams.held(organization)
            seq, said = self._found(connection, stream, source, id)
            if (before := store.voided_at(organization, seq)) is not None:
                return Voided(id, source, before)
            store.void(stream, seq, said, now)
            streams.save(replace(stream, last_seq=stream.last_seq + 1, stored=stream.stored + 1))
        return Voided(id, source, now)

    def _found(self, connection: Connection, stream: Stream, source: str, id: str) -> tuple[int, Said]:
        """The sequence number of an event and what it says; raises EventNotFound."""
        claim = self.intake.keys.claim(connection, stream, [hash_of(stream.seed, source, id)])
        stored = EventStore(connection).said(stream, [suspect.seq for suspect in claim.suspects])
        for seq, said in stored.items():
            if (said.source, said.id) == (source, id):
                return seq, said
        raise EventNotFound(source, id)

    def page(self, caller: Caller, asked: Asked, listing: Listing) -> Page[Listed]:
        """Events in the order they were stored; raises CustomerNotFound."""
        organization = caller.organization
        meters = {meter.id: meter for meter in self.catalog.meters(organization)}
        if asked.unusable:
            self.metering.follow(organization, list(meters.values()), self.metering.position(organization))
        search = Search(
            self.customers.get(organization, asked.customer).id if asked.customer else None, asked.type, asked.start,
            asked.end, list(meters) if asked.unusable else None,
        )
        with self.database.read() as connection:
            store = EventStore(connection)
            rows = store.page(organization, search, int(listing.position or 0), listing.limit + 1)
            voided = store.voided(organization, [row.seq for row in rows])
            reasons = store.reasons(organization, [row.seq for row in rows])
        keys = self.customers.keys(organization, {row.customer for row in rows if row.customer})
        return listing.page(rows, lambda row: str(row.seq)).map(lambda row: Listed(
            row, keys.get(row.customer or ""), row.seq in voided,
            [(meters[meter], reason) for meter, reason in reasons.get(row.seq, ()) if meter in meters],
        ))

    def rejected(self, caller: Caller, listing: Listing) -> Page[KeptRejection]:
        """What was not stored, and why; the oldest first."""
        with self.database.read() as connection:
            after = _position(listing.position)
            rows = EventStore(connection).rejected(caller.organization, after, listing.limit + 1)
        return listing.page(rows, lambda row: f"{row.received_at.isoformat()} {row.id}")

    def _seed(self, organization: str) -> int:
        """Of the hashes of an organisation's events, which is made with its first."""
        if (seed := self.seeds.get(organization)) is None:
            with self.database.write() as connection:
                seed = StreamStore(connection).held(organization).seed
            self.database.after_commit(lambda: self.seeds.__setitem__(organization, seed))
        return seed

    def _looking(self, organization: str) -> MetersByType:
        """The meters that look at a value, by the type of event."""
        return self.meters.get(organization, lambda: _by_type(self.catalog.meters(organization)))

    def _checked(self, organization: str, batch: Batch, now: datetime) -> tuple[list[Event], list[Rejected]]:
        rules = Rules(batch.cloudevents, batch.suspicious, now, self._looking(organization))
        good: list[Event] = []
        rejected: list[Rejected] = []
        for sent in batch.events:
            event, errors = (
                checked(sent.value, rules) if sent.problem is None else (None, [FieldError("", sent.problem)])
            )
            if event is not None:
                good.append(event)
            else:
                errors = [FieldError(error.field, error.message, sent.index) for error in errors]
                rejected.append(Rejected(sent.index, sent.value, errors, sent.problem is not None))
        return good, rejected

    def _count(self, outcome: Outcome, rejected: int) -> None:
        counts = {
            "accepted": len(outcome.new), "duplicates": len(outcome.duplicates),
            "conflicts": len(outcome.conflicts), "rejected": rejected,
        }
        for name, count in counts.items():
            if count:
                self.telemetry.events.labels(name).inc(count)


def _by_type(meters: Sequence[Meter]) -> MetersByType:
    found: dict[str, list[Meter]] = {}
    for meter in meters:
        if meter.aggregation is not Aggregation.COUNT:
            found.setdefault(meter.event_type, []).append(meter)
    return found


def _refusal(rejected: Sequence[Rejected]) -> BadEvents | UnreadableLines:
    if not any(one.unreadable for one in rejected):
        return BadEvents(rejected)
    errors = [error for one in rejected for error in one.errors]
    first = next(one for one in rejected if one.unreadable)
    return UnreadableLines(f"Line {first.index + 1} {first.errors[0].message}; nothing was stored.", errors)


def _kept(one: Rejected, now: datetime) -> KeptRejection:
    event = dumps(one.value)
    name = blake2b(event, digest_size=16).hexdigest()
    errors = [{"field": error.field, "message": error.message} for error in one.errors]
    return KeptRejection(f"rej_{name}", now, event.decode("utf-8"), errors)


def _position(text: str) -> tuple[datetime, str] | None:
    if not text:
        return None
    time, _, id = text.partition(" ")
    return datetime.fromisoformat(time), id
