"""What an event costs as the store grows: random and ordered ids, at three sizes of one store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from farthing.app import Farthing
from farthing.bench.events import BATCH, NOW, Ids, prepared, ready, sample_events
from farthing.bench.figures import Figure, Round, Skipped, figure, require
from farthing.bench.ingest import APPEND, fill, seed_of
from farthing.bench.stores import insert_raw, our_store, raw_store
from farthing.kernel.clock import ticks
from farthing.kernel.credentials import Caller
from farthing.kernel.processes import settle_memory
from farthing.usage.quantities.service import Quantities

TIMES: Final = (1, 10, 50)  # the sizes, each so many times the first
BATCHES: Final = 100  # of a thousand, measured at each size
FLOORS: Final = ("the same rows appended to an empty table", "the same on the first size")


@dataclass(frozen=True, slots=True)
class Look:
    """Seconds for each of the batches at one size, and for the same rows at the floor."""

    size: int
    took: Sequence[float]
    floor: float

    @property
    def per_second(self) -> float:
        return BATCH / median(self.took)


def growth(folder: Path, rows: int) -> list[Figure | Skipped]:
    """Ready rows to commit on `rows` events, on ten times and on fifty times as many."""
    return [one for ids in (Ids.RANDOM, Ids.ORDERED) for one in _grown(folder / ids.name.lower(), rows, ids)]


def _grown(folder: Path, rows: int, ids: Ids) -> list[Figure]:
    folder.mkdir(parents=True)
    looks: list[Look] = []
    with our_store(folder, "ours", NOW) as farthing:
        caller = prepared(farthing)
        stored = 0
        for number, times in enumerate(TIMES):
            fill(farthing, caller, rows * times - stored, 10_000_000 * (number + 1))
            settle_memory()
            took = _batches(farthing, caller, 100_000 * (number + 1), ids)
            stored = rows * times + BATCHES * BATCH
            looks.append(Look(rows * times, took, _floor(folder / f"{times}.db")))
    return [_figure(look, looks[0], ids) for look in looks]


def _batches(farthing: Farthing, caller: Caller, first: int, ids: Ids) -> list[float]:
    seed = seed_of(farthing, caller)
    begin = farthing[Quantities].position(caller.organization)
    took = []
    for number in range(BATCHES):
        batch = ready(caller.organization, seed, BATCH, first + number, ids)
        since = ticks()
        farthing.intake.store(batch)
        took.append(ticks() - since)
    added = farthing[Quantities].position(caller.organization) - begin
    require(added, BATCHES * BATCH, "events stored")
    return took


def _floor(place: Path) -> float:
    rows = sample_events(20 * BATCH, seed=1).rows
    with raw_store(place, APPEND) as connection:
        since = ticks()
        insert_raw(connection, "events", rows, BATCH)
        speed = len(rows) / (ticks() - since)
    place.unlink()
    return speed


def _figure(look: Look, first: Look, ids: Ids) -> Figure:
    slowest = max(look.took) / median(look.took)
    name = f"growth: {ids.value}, on {look.size:,} events (slowest of {BATCHES} calls {slowest:.1f} x the median)"
    return figure(name, "events", FLOORS, [Round(look.per_second, (look.floor, first.per_second))])
