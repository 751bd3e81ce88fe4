"""From events to usage: how fast meters follow, and what a month's usage costs as the store grows."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, Final

from farthing.app import Farthing
from farthing.bench.events import CUSTOMERS, MAY, NOW, prepared, sample_events
from farthing.bench.figures import ROUNDS, Figure, Round, figure, per_second, require
from farthing.bench.stores import count_raw, insert_raw, our_store, raw_store
from farthing.kernel.credentials import Caller
from farthing.usage.events.bodies import batch_from
from farthing.usage.events.service import Events
from farthing.usage.quantities.follower import Follower
from farthing.usage.quantities.service import Quantities, Question

STEP: Final = 16_000  # rows of the floor in one transaction
TIMES: Final = (1, 10, 50)  # the sizes, each so many times the first
ASKED: Final = 50  # answers at each size
TABLE: Final = "usage_points"


def follow(folder: Path, rows: int) -> list[Figure]:
    """Stored events to points, quarter hours and days; the floor writes the same points and nothing else."""
    name = f"follow: {rows:,} events of {CUSTOMERS} customers in a month"
    return [figure(name, "events", ("the same points, inserted in order",), [
        _round(folder / str(number), rows, number) for number in range(ROUNDS)
    ])]


def _round(folder: Path, rows: int, seed: int) -> Round:
    folder.mkdir(parents=True)
    with our_store(folder, "ours", NOW) as farthing:
        caller = prepared(farthing)
        total = _stored(farthing, caller, rows, seed)
        ours = per_second(rows, farthing[Follower].follow_all)
        require(_month(farthing, caller, None), total, "usage")
        place = Path(str(farthing.database.engine.url.database))
    schema, points = _points(place)
    with raw_store(folder / "floor.db", schema) as connection:
        floor = per_second(rows, lambda: insert_raw(connection, TABLE, points, STEP))
        require(count_raw(connection, TABLE), rows, "rows of the floor")
    return Round(ours, (floor,))


def usage(folder: Path, rows: int) -> list[Figure]:
    """A month of one customer and meter, from a store of `rows` events, of ten times and of fifty times as many."""
    speeds: list[float] = []
    with our_store(folder, "ours", NOW) as farthing:
        caller, stored, seeds = prepared(farthing), 0, count()
        for times in TIMES:
            while stored < rows * times:
                some = min(rows * times - stored, 100_000)
                _stored(farthing, caller, some, next(seeds))
                stored += some
            farthing[Follower].follow_all()
            _month(farthing, caller, "customer-0")
            speeds.append(per_second(ASKED, lambda: [_month(farthing, caller, "customer-0") for _ in range(ASKED)]))
    return [
        figure(
            f"usage: a month of one of {CUSTOMERS} customers, {rows * times:,} events", "answers",
            ("the same at the first size",), [Round(speed, (speeds[0],))],
        )
        for times, speed in zip(TIMES, speeds, strict=True)
    ]


def _stored(farthing: Farthing, caller: Caller, rows: int, seed: int) -> int:
    """Take in some events; what they come to."""
    sent = sample_events(rows, seed)
    for body in sent.bodies:
        farthing[Events].ingest(caller, batch_from("application/json", "", {}, body), skip=False)
    return sent.total


def _month(farthing: Farthing, caller: Caller, customer: str | None) -> int:
    question = Question(customer, "calls", MAY.start, MAY.end, "none", ())
    [cell] = farthing[Quantities].usage(caller, question)
    return int(cell.value)


def _points(place: Path) -> tuple[str, Sequence[Sequence[Any]]]:  # Any: what SQLite stores
    """Step by step, and in each in the order of the table."""
    with closing(sqlite3.connect(place)) as connection:
        [(schema,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (TABLE,)).fetchall()
        in_steps = f"SELECT * FROM {TABLE} ORDER BY (seq - 1) / {STEP}, meter, subject_ref, time, seq"
        return schema, connection.execute(in_steps).fetchall()
