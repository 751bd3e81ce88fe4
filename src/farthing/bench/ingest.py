"""Events a second into the store, below HTTP: batches and single events, each beside what the database alone takes."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from farthing.app import Farthing
from farthing.bench.by_hand import NAME, by_hand
from farthing.bench.events import BATCH, MAY, NOW, Ids, Sent, prepared, ready, sample_events, send, singles
from farthing.bench.figures import ROUNDS, Figure, Round, Skipped, figure, per_second, require
from farthing.bench.postgresql import NO_POSTGRESQL, copied, new_database, postgresql_served
from farthing.bench.stores import count_raw, insert_raw, our_store, raw_store
from farthing.kernel.credentials import Caller
from farthing.kernel.processes import settle_memory
from farthing.usage.events.streams import StreamStore
from farthing.usage.quantities.service import Quantities, Question

THREADS: Final = 32
COLUMNS: Final = "source TEXT, id TEXT, type TEXT, subject TEXT, time INTEGER, received_at INTEGER, data TEXT"
APPEND: Final = f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS})"
KEYED: Final = f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS}, UNIQUE (source, id))"
FLOORS: Final = ("the same rows appended", "the same rows under a unique text key")
COPIES: Final = ("the same rows by COPY", "the same by COPY into a table with a unique text key")
EACH: Final = ("the same without sharing transactions", "a bare transaction for each of the same rows")

Work = Callable[[Farthing, Caller, Sent], Callable[[], object]]  # gets ready, and gives what is measured


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured, on which events."""

    name: str
    ids: Ids
    work: Work


def ingest(folder: Path, rows: int, stored: int) -> list[Figure | Skipped]:
    """Ours checks each event, turns repeats away and stores the rest; the floors only store.

    stored  rows that are there before, in ours and in the tables of the floors
    """
    batches = [
        Case("from bytes to commit, random ids", Ids.RANDOM, _sent),
        Case("from bytes to commit, ordered ids", Ids.ORDERED, _sent),
        Case("from bytes to commit, a tenth repeats", Ids.REPEATED, _sent),
        Case("from ready rows to commit, random ids", Ids.RANDOM, _ready),
    ]
    some = min(rows, max(rows // 10, 200))
    return [
        *[_on_sqlite(folder / f"case{place}", one, rows, stored) for place, one in enumerate(batches)],
        _single(folder / "single", some),
        _beside_by_hand(folder / "by-hand", batches[0], some),
        *_on_postgresql(folder / "postgresql", [batches[0], batches[3]], rows, stored),
    ]


def _on_sqlite(folder: Path, case: Case, rows: int, stored: int) -> Figure:
    sent = sample_events(rows, seed=1, ids=case.ids)
    before = sample_events(stored, seed=2, ids=case.ids).rows if stored else []
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir(parents=True)
        floors = tuple(
            floor(place / f"{number}.db", schema, before, sent.rows, BATCH) * rows / len(sent.rows)
            for number, schema in enumerate((APPEND, KEYED))
        )
        rounds.append(Round(_ours(place, "", case, sent, stored), floors))
    return figure(_named(f"ingest: SQLite, {case.name}", rows, stored), "events", FLOORS, rounds)


def _beside_by_hand(folder: Path, case: Case, rows: int) -> Figure:
    sent = sample_events(rows, seed=1)
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir(parents=True)
        rounds.append(Round(_ours(place, "", case, sent, 0), (by_hand(place / "by-hand.db", sent),)))
    return figure(_named(f"ingest: SQLite, {case.name}", rows, 0), "events", (NAME,), rounds)


def _on_postgresql(folder: Path, cases: Sequence[Case], rows: int, stored: int) -> list[Figure | Skipped]:
    with postgresql_served(folder) as server:
        if not server:
            return [Skipped("ingest: PostgreSQL", NO_POSTGRESQL)]
        return [_copied(folder / f"case{place}", server, one, rows, stored) for place, one in enumerate(cases)]


def _copied(folder: Path, server: str, case: Case, rows: int, stored: int) -> Figure:
    sent = sample_events(rows, seed=1, ids=case.ids)
    before = sample_events(stored, seed=2, ids=case.ids).rows if stored else []
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir(parents=True)
        floors = tuple(copied(new_database(server), keyed, before, sent.rows, BATCH) for keyed in (False, True))
        rounds.append(Round(_ours(place, new_database(server), case, sent, stored), floors))
    return figure(_named(f"ingest: PostgreSQL, {case.name}", rows, stored), "events", COPIES, rounds)


def _named(what: str, rows: int, stored: int) -> str:
    return f"{what}, {rows:,} events" + (f" on {stored:,}" if stored else "")


def _ours(folder: Path, url: str, case: Case, sent: Sent, stored: int) -> float:
    with our_store(folder, "ours", NOW, url) as farthing:
        caller = prepared(farthing)
        fill(farthing, caller, stored)
        begin = farthing[Quantities].position(caller.organization)
        work = case.work(farthing, caller, sent)
        settle_memory()
        events = sum(body.count(b'"specversion"') for body in sent.bodies) or len(sent.rows)
        speed = per_second(events, work)
        added = farthing[Quantities].position(caller.organization) - begin
        require(added, len(sent.rows), "events stored")
        if not stored and case.work is _sent:
            question = Question(None, "calls", MAY.start, MAY.end, "none", ())
            [counted] = farthing[Quantities].usage(caller, question)
            require(counted.value, sent.total, "the sum of their quantities")
    return speed


def fill(farthing: Farthing, caller: Caller, count: int, first: int = 1_000_000) -> None:
    """Store so many events that nobody measures; `first` makes them others than of another time."""
    size = 10 * BATCH
    seed = seed_of(farthing, caller)
    for number in range(count // size):
        farthing.intake.store(ready(caller.organization, seed, size, first + number))
    if rest := count % size:
        farthing.intake.store(ready(caller.organization, seed, rest, first - 1))


def seed_of(farthing: Farthing, caller: Caller) -> int:
    """Of the hashes of the organisation's events."""
    with farthing.database.write() as connection:
        return StreamStore(connection).held(caller.organization).seed


def _sent(farthing: Farthing, caller: Caller, sent: Sent) -> Callable[[], object]:
    return lambda: send(farthing, caller, sent.bodies)


def _ready(farthing: Farthing, caller: Caller, sent: Sent) -> Callable[[], object]:
    seed = seed_of(farthing, caller)
    batches = [
        ready(caller.organization, seed, min(BATCH, len(sent.rows) - start), number)
        for number, start in enumerate(range(0, len(sent.rows), BATCH))
    ]

    def store() -> None:
        for batch in batches:
            farthing.intake.store(batch)

    return store


def _single(folder: Path, rows: int) -> Figure:
    sent = sample_events(rows, seed=1)
    bodies = list(singles(sent))
    rounds = []
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir(parents=True)
        ours, alone = (
            _ours(place / name, "", Case("", Ids.RANDOM, work(bodies)), sent, 0)
            for name, work in (("together", _shared), ("alone", _alone))
        )
        rounds.append(Round(ours, (alone, _each_alone(place / "each.db", sent))))
    return figure(f"ingest: SQLite, single events, {THREADS} threads, {rows:,} events", "events", EACH, rounds)


def _shared(bodies: Sequence[bytes]) -> Work:
    return lambda farthing, caller, _: _at_once(bodies, lambda body: send(farthing, caller, [body]))


def _alone(bodies: Sequence[bytes]) -> Work:
    """Each in a unit of work of its own, which nobody joins."""
    def work(farthing: Farthing, caller: Caller, _: Sent) -> Callable[[], object]:
        def store(body: bytes) -> None:
            with farthing.database.write():
                send(farthing, caller, [body])

        return _at_once(bodies, store)

    return work


def _at_once(bodies: Sequence[bytes], work: Callable[[bytes], object]) -> Callable[[], object]:
    def share(number: int) -> None:
        for body in bodies[number::THREADS]:
            work(body)

    def run() -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(share, range(THREADS)))

    return run


def _each_alone(place: Path, sent: Sent) -> float:
    """As many threads, each with a connection of its own, that wait for one another in a queue."""
    turn = threading.Lock()

    def share(number: int) -> None:
        with closing(sqlite3.connect(place, isolation_level=None)) as own:
            own.execute("PRAGMA synchronous=FULL")
            for row in sent.rows[number::THREADS]:
                with turn:
                    insert_raw(own, "events", [row], 1)

    with raw_store(place, APPEND) as connection:
        with ThreadPoolExecutor(THREADS) as threads:
            speed = per_second(len(sent.rows), lambda: list(threads.map(share, range(THREADS))))
        require(count_raw(connection, "events"), len(sent.rows), "rows")
    return speed


def floor(
    place: Path, schema: str, before: Sequence[tuple[object, ...]], rows: Sequence[tuple[object, ...]], batch: int
) -> float:
    """Rows a second put into a new table that has those `before`, so many in a transaction."""
    with raw_store(place, schema) as connection:
        if before:
            insert_raw(connection, "events", before, 10 * batch)
        speed = per_second(len(rows), lambda: insert_raw(connection, "events", rows, batch))
        require(count_raw(connection, "events"), len(before) + len(rows), "rows")
    return speed
