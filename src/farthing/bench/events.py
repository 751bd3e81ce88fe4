"""Events to measure with, as they are sent, as they are stored, and as plain rows for the floors."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Final

from farthing.app import Farthing
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
from farthing.usage.events.keyset.hashing import hashes_of
from farthing.usage.events.prepared import Prepared, checksums_of
from farthing.usage.events.service import Events

BATCH: Final = 1_000
CUSTOMERS: Final = 100
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
MAY: Final = Period(datetime(2026, 5, 1, tzinfo=UTC), NOW)
MICROSECONDS: Final = 1_780_000_000_000_000  # a time as we store it


class Ids(StrEnum):
    """How the events are called."""

    RANDOM = "random ids"
    ORDERED = "ordered ids"
    REPEATED = "random ids, a tenth of them repeats"


@dataclass(frozen=True, slots=True)
class Sent:
    """Events as they are sent, and as plain rows, each once; `total` is what their quantities sum to."""

    bodies: Sequence[bytes]
    rows: Sequence[tuple[Any, ...]]  # Any: what SQLite stores
    total: int


def sample_events(count: int, seed: int, ids: Ids = Ids.RANDOM) -> Sent:
    """So many events in calls of a thousand; of those that are repeated, the second is somewhere after the first."""
    chance = Random(seed)
    events: list[dict[str, Any]] = []  # Any: JSON
    repeats = 0
    for number in range(count):
        if ids is Ids.REPEATED and number % 10 == 9:
            events.append(events[chance.randrange(number)])
            repeats += 1
        else:
            events.append(_event(chance, _id(chance, number, ids)))
    once = list({one["id"]: one for one in events}.values())
    bodies = [json.dumps(events[start : start + BATCH]).encode() for start in range(0, count, BATCH)]
    return Sent(bodies, [_row(one) for one in once], sum(int(one["data"]["quantity"]) for one in once))


def _id(chance: Random, number: int, ids: Ids) -> str:
    if ids is Ids.ORDERED:  # as UUIDv7 and the like are: a time first
        return f"{1_780_000_000_000 + number // 4:012x}{number % 4:04x}{chance.getrandbits(64):016x}"
    return f"{chance.getrandbits(128):032x}"


def _event(chance: Random, id: str) -> dict[str, Any]:  # Any: JSON
    happened = MAY.start + timedelta(seconds=chance.randrange(31 * 86400))
    return {
        "source": "bench", "id": id, "type": "api.request", "subject": f"customer-{chance.randrange(CUSTOMERS)}",
        "time": instant_text(happened),
        "data": {"quantity": str(chance.randrange(1, 1000)), "region": chance.choice(("eu", "us"))},
    }


def _row(one: dict[str, Any]) -> tuple[Any, ...]:  # Any: JSON, and what SQLite stores
    return (
        None, one["source"], one["id"], one["type"], one["subject"], MICROSECONDS, MICROSECONDS, json.dumps(one["data"])
    )


def ready(organization: str, seed: int, count: int, number: int, ids: Ids = Ids.RANDOM) -> Prepared:
    """So many other events as what a request's thread makes of them; `number` makes their ids other than before."""
    chance = Random(number)
    begin = 1_790_000_000_000 + number * count
    names = [
        f"{begin + place if ids is Ids.ORDERED else chance.getrandbits(48):012x}{chance.getrandbits(80):020x}"
        for place in range(count)
    ]
    subjects = [f"customer-{place % CUSTOMERS}" for place in range(count)]
    data = f'{{"quantity": "{number % 900 + 1}", "region": "eu"}}'
    first = int(MAY.start.timestamp() * 1_000_000)
    times = [first + (place * 7_919 + number * 104_729) % 2_678_400 * 1_000_000 for place in range(count)]
    hashes = hashes_of(seed, [("bench", name) for name in names])
    sums = checksums_of(["api.request"] * count, subjects, times, [data] * count)
    rows = [
        (hash, checksum, "bench", name, "api.request", time, MICROSECONDS, data, None)
        for hash, checksum, name, time in zip(hashes, sums, names, times, strict=True)
    ]
    return Prepared(organization, seed, rows, subjects)


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


def singles(sent: Sent) -> Iterator[bytes]:
    """The same events, each a body of its own."""
    for body in sent.bodies:
        for one in json.loads(body):
            yield json.dumps(one).encode()
