"""The use cases of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection

from farthing.catalog import Meter, MeterBook
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.kernel.strict_json import dumps
from farthing.kernel.telemetry import Telemetry
from farthing.pricing.aggregation import Aggregation
from farthing.usage import Metering
from farthing.usage.events.bodies import Batch, UnreadableLines
from farthing.usage.events.checks import Rules, checked
from farthing.usage.events.keys import Claim, Key, KeyIndex, hash_of, key_of, void_hash_of
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
from farthing.usage.subjects.store import Subject, SubjectStore

NO_CONTENT = bytes(16)  # a void says nothing but its name


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

    def ingest(self, caller: Caller, batch: Batch, skip: bool) -> Ingested:
        """Store a batch; what returns is durable (rules 16 and 17).

        skip    store the good ones and keep the bad ones with their reason; else one bad event fails all
        raises  BadEvents, UnreadableLines
        """
        organization = caller.organization
        now = self.now(organization)
        good, rejected = self._checked(organization, batch, now)
        if rejected and not skip:
            raise _refusal(rejected)
        keys = [key_of(event) for event in good]  # before the lock: others wait for as little as can be
        prepared = [_row(organization, event, now) for event in good]
        with self.database.write() as connection:
            claim = _append(connection, organization, good, keys, prepared) if good else Claim((), (), ())
            EventStore(connection).reject(organization, [_kept(one, now) for one in rejected])
        conflicts = list(dict.fromkeys(good[place].id for place in claim.conflicts))
        self.database.after_commit(lambda: self._count(claim, len(rejected)))
        return Ingested(len(claim.new), len(claim.duplicates), len(claim.conflicts), conflicts, rejected)

    def void(self, caller: Caller, source: str, id: str) -> Voided:
        """Take an event out of every aggregate, once; again gives the same answer. Raises EventNotFound."""
        organization = caller.organization
        now = self.now(organization)
        with self.database.write() as connection:
            streams, keys, store = StreamStore(connection), KeyIndex(connection), EventStore(connection)
            stream = streams.held(organization)
            hash, void = hash_of(source, id), void_hash_of(source, id)
            found = keys.found(organization, [hash, void])
            if hash not in found:
                raise EventNotFound(source, id)
            if void in found:
                return Voided(id, source, store.received_at(organization, found[void]))
            seq = stream.last_seq + 1
            keys.claim(organization, [Key(void, NO_CONTENT)], seq)
            store.append([_void_row(organization, store, found[hash], seq, now)])
            streams.save(Stream(organization, seq, stream.last_ref))
        return Voided(id, source, now)

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
            voids = {void_hash_of(row.source, row.id): row.seq for row in rows}
            voided = {voids[hash] for hash in KeyIndex(connection).found(organization, list(voids))}
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

    def _checked(self, organization: str, batch: Batch, now: datetime) -> tuple[list[Event], list[Rejected]]:
        meters = _by_type(self.catalog.meters(organization))
        rules = Rules(batch.cloudevents, batch.suspicious, now, meters)
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

    def _count(self, claim: Claim, rejected: int) -> None:
        counts = {
            "accepted": len(claim.new), "duplicates": len(claim.duplicates), "conflicts": len(claim.conflicts),
            "rejected": rejected,
        }
        for outcome, count in counts.items():
            self.telemetry.events.labels(outcome).inc(count)


def _append(
    connection: Connection, organization: str, good: Sequence[Event], keys: Sequence[Key],
    rows: Sequence[dict[str, Any]],  # Any: a row's columns
) -> Claim:
    streams = StreamStore(connection)
    stream = streams.held(organization)
    claim = KeyIndex(connection).claim(organization, keys, stream.last_seq + 1)
    if not claim.new:
        return claim
    refs, last_ref = _refs(connection, stream, dict.fromkeys(good[place].subject for place in claim.new))
    for seq, place in enumerate(claim.new, start=stream.last_seq + 1):
        rows[place]["seq"] = seq
        rows[place]["subject_ref"] = refs[good[place].subject]
    EventStore(connection).append([rows[place] for place in claim.new])
    streams.save(Stream(organization, stream.last_seq + len(claim.new), last_ref))
    return claim


def _refs(connection: Connection, stream: Stream, names: Mapping[str, None]) -> tuple[dict[str, int], int]:
    """The numbers of these subjects; those never seen get new ones, and are nobody's yet."""
    subjects = SubjectStore(connection)
    refs = subjects.current(stream.organization, list(names))
    unseen = {name: ref for ref, name in enumerate((n for n in names if n not in refs), start=stream.last_ref + 1)}
    subjects.add(Subject(stream.organization, ref, name) for name, ref in unseen.items())
    return refs | unseen, stream.last_ref + len(unseen)


def _row(organization: str, event: Event, now: datetime) -> dict[str, Any]:  # Any: a row's columns
    return {
        "organization": organization, "kind": "event", "source": event.source, "id": event.id, "type": event.type,
        "time": event.time or now, "received_at": now, "voids": None,
        "data": None if event.data is None else dumps(event.data).decode("utf-8"),
        "extensions": dumps(event.extensions).decode("utf-8") if event.extensions else None,
    }


def _void_row(
    organization: str, store: EventStore, voids: int, seq: int, now: datetime
) -> dict[str, Any]:  # Any: as in _row
    """A void repeats type, subject and time of its event, so that followers find what to take out without it."""
    original = store.original(organization, voids)
    return {
        "organization": organization, "seq": seq, "kind": "void", "source": original.source, "id": original.id,
        "type": original.type, "subject_ref": original.subject_ref, "time": original.time, "received_at": now,
        "data": None, "extensions": None, "voids": voids,
    }


def _by_type(meters: Sequence[Meter]) -> dict[str, list[Meter]]:
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
