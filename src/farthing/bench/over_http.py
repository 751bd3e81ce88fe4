"""Events a second over HTTP: batches and single events, from several clients, each answered when durable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from farthing.bench.events import BATCH, NOW, Sent, prepared, sample_events, singles
from farthing.bench.figures import ROUNDS, Figure, Round, figure, require
from farthing.bench.ingest import FLOORS, KEYED, fill, floor
from farthing.bench.load import load
from farthing.bench.server import THREADS_NAME
from farthing.bench.serving import served
from farthing.bench.stores import our_store
from farthing.identity.api_keys.service import ApiKeys
from farthing.kernel.credentials import Scope
from farthing.usage.quantities.service import Quantities

CLIENTS: Final = (1, 4)
CONNECTIONS: Final = (32, 64)
JSON: Final = "Content-Type: application/json"
UNSTORED: Final = "the same route, storing nothing"


def over_http(folder: Path, rows: int, stored: int) -> list[Figure]:
    """Whole batches beside rows put under a unique text key with nothing around it; single ones beside the same route.

    stored  rows that are there before, in ours and in the table of the floor
    """
    batches = [_batches(folder / f"batches{clients}", clients, rows, stored) for clients in CLIENTS]
    some = min(rows, max(rows // 5, 200))
    return [*batches, *[_singles(folder / f"singles{number}", number, some) for number in CONNECTIONS]]


def _batches(folder: Path, clients: int, rows: int, stored: int) -> Figure:
    sent = sample_events(rows, seed=1)
    before = sample_events(stored, seed=2).rows if stored else []
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir(parents=True)
        least = floor(place / "floor.db", KEYED, before, sent.rows, BATCH)
        rounds.append(Round(_asked(place, "ours", sent, sent.bodies, clients, stored), (least,)))
    on = f" on {stored:,}" if stored else ""
    name = f"ingest over HTTP: SQLite, 1,000 a call, {clients} at once, {rows:,} events{on}"
    return figure(name, "events", FLOORS[1:], rounds)


def _singles(folder: Path, connections: int, rows: int) -> Figure:
    sent = sample_events(rows, seed=1)
    bodies = list(singles(sent))
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        unstored, ours = (_asked(place / what, what, sent, bodies, connections, 0) for what in ("unstored", "ours"))
        rounds.append(Round(ours, (unstored,)))
    return figure(f"ingest over HTTP: SQLite, single events, {connections} connections", "events", (UNSTORED,), rounds)


def _asked(place: Path, target: str, sent: Sent, bodies: Sequence[bytes], clients: int, stored: int) -> float:
    """Events a second, each call answered before its connection asks again."""
    place.mkdir(parents=True, exist_ok=True)
    with our_store(place, "ours", NOW) as farthing:
        caller = prepared(farthing)
        _, secret = farthing[ApiKeys].create(caller, [Scope.INGEST])
        fill(farthing, caller, stored)
        begin = farthing[Quantities].position(caller.organization)
    head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {secret}\r\n{JSON}"
    requests = [f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    with served(target, place / "ours", {THREADS_NAME: str(max(clients, 4))}) as port:
        speed, _ = load(port, requests, len(requests), "content-", clients, 1)
    with our_store(place, "ours", NOW) as farthing:
        added = farthing[Quantities].position(caller.organization) - begin
        require(added, len(sent.rows) if target == "ours" else 0, "events stored")
    return speed * len(sent.rows) / len(bodies)
