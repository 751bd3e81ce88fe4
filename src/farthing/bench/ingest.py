"""Events a second into the store, below HTTP."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from farthing.app import Farthing
from farthing.bench.figures import ROUNDS, Figure, Round, figure, per_second, require
from farthing.bench.stores import count_raw, insert_raw, our_store, raw_store
from farthing.catalog.meters.schemas import MeterIn
from farthing.catalog.meters.service import Meters
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.identity.organizations.service import Organizations
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import Caller, operator
from farthing.kernel.schemas import parsed
from farthing.pricing.calendar import Period
from farthing.usage.events.bodies import batch_from
from farthing.usage.events.service import Events
from farthing.usage.quantities.service import Quantities, Question

BATCH: Final = 1_000
CUSTOMERS: Final = 100
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
MAY: Final = Period(datetime(2026, 5, 1, tzinfo=UTC), NOW)
MICROSECONDS: Final = 1_780_000_000_000_000  # a time as we store it
COLUMNS: Final = "source TEXT, id TEXT, type TEXT, subject TEXT, time INTEGER, received_at INTEGER, data TEXT"
APPEND: Final = f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS})"
KEYED: Final = f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS}, UNIQUE (source, id))"


@dataclass(frozen=True, slots=True)
class Sent:
    """Events as they are sent, and as plain rows; `total` is what their quantities sum to."""

    bodies: Sequence[bytes]
    rows: Sequence[tuple[Any, ...]]  # Any: what SQLite stores
    total: int


def ingest(folder: Path, rows: int) -> list[Figure]:
    """Ours reads the JSON, checks each event, turns repeats away and stores the rest; the floors only store."""
    sent = sample_events(rows, seed=1)
    rounds = [_round(folder / str(number), sent) for number in range(ROUNDS)]
    size = len(sent.bodies[0]) // min(BATCH, rows)
    name = f"ingest: {rows:,} events of {size} bytes, {BATCH:,} a call"
    return [figure(name, "events", ("the same rows appended", "the same rows under a unique text key"), rounds)]


def sample_events(count: int, seed: int) -> Sent:
    """Events with random identifiers: the costly ones for an index."""
    chance = Random(seed)
    quantities = [chance.randrange(1, 1000) for _ in range(count)]
    events = [_event(chance, quantity) for quantity in quantities]
    bodies = [json.dumps(events[start : start + BATCH]).encode() for start in range(0, count, BATCH)]
    rows = [
        (None, one["source"], one["id"], one["type"], one["subject"], MICROSECONDS, MICROSECONDS,
         json.dumps(one["data"]))
        for one in events
    ]
    return Sent(bodies, rows, sum(quantities))


def _event(chance: Random, quantity: int) -> dict[str, object]:
    happened = MAY.start + timedelta(seconds=chance.randrange(31 * 86400))
    return {
        "source": "bench", "id": f"{chance.getrandbits(128):032x}", "type": "api.request",
        "subject": f"customer-{chance.randrange(CUSTOMERS)}", "time": instant_text(happened),
        "data": {"quantity": str(quantity), "region": chance.choice(("eu", "us"))},
    }


def _round(folder: Path, sent: Sent) -> Round:
    folder.mkdir()
    floors = tuple(_floor(folder / f"{name}.db", schema, sent) for name, schema in (("a", APPEND), ("k", KEYED)))
    with our_store(folder, "ours", NOW) as farthing:
        caller = prepared(farthing)
        begin = farthing[Quantities].position(caller.organization)
        ours = per_second(len(sent.rows), lambda: send(farthing, caller, sent.bodies))
        question = Question(None, "calls", MAY.start, MAY.end, "none", ())
        [counted] = farthing[Quantities].usage(caller, question)
        stored = farthing[Quantities].position(caller.organization) - begin
        require((stored, counted.value), (len(sent.rows), sent.total), "events stored, and the sum of their quantities")
        send(farthing, caller, sent.bodies[:1])
        stored = farthing[Quantities].position(caller.organization) - begin
        require(stored, len(sent.rows), "events stored after a repeat")
    return Round(ours, floors)


def _floor(place: Path, schema: str, sent: Sent) -> float:
    with raw_store(place, schema) as connection:
        speed = per_second(len(sent.rows), lambda: _insert(connection, sent))
        require(count_raw(connection, "events"), len(sent.rows), "rows")
    return speed


def _insert(connection: sqlite3.Connection, sent: Sent) -> None:
    insert_raw(connection, "events", sent.rows, BATCH)


def prepared(farthing: Farthing) -> Caller:
    """An organisation with a meter and the customers that events are about."""
    caller = operator(farthing[Organizations].first().id)
    farthing[Meters].create(caller, parsed(MeterIn, {
        "key": "calls", "name": "Calls", "event_type": "api.request", "aggregation": "sum", "value": "quantity",
    }))
    with farthing.database.write():
        for number in range(CUSTOMERS):
            body = {"key": f"customer-{number}", "name": f"Customer {number}"}
            farthing[Customers].create(caller, parsed(CustomerIn, body))
    return caller


def send(farthing: Farthing, caller: Caller, bodies: Sequence[bytes]) -> None:
    """Each body as one call, from its bytes to the commit."""
    for body in bodies:
        farthing[Events].ingest(caller, batch_from("application/json", "", {}, body), skip=False)
