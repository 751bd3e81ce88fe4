"""Answers kept in this process."""

from farthing.kernel.cache.bodies import Bodies, Entry, Flights
from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.values import Found, Keeper, Kept, Key, Load, Source


class GenerationKeeper(Keeper):
    """On SQLite: an answer is current while its generation is, which costs no question at all."""

    def __init__(self, generations: Generations, bodies: Bodies | None = None) -> None:
        self._generations = generations
        self._bodies = bodies or Bodies()
        self._flights = Flights()

    def begin(self) -> None:
        """Memory is there."""

    def get(self, key: Key, load: Load) -> Found:
        if (kept := self.peek(key)) is not None:
            return Found(kept, True)
        leads = self._flights.leads(key)
        try:
            if not leads and (kept := self.peek(key)) is not None:
                return Found(kept, True)
            return Found(self._loaded(key, load), False)
        finally:
            if leads:
                self._flights.landed(key)

    def peek(self, key: Key) -> Kept | None:
        entry = self._bodies.get(key)
        return entry.kept if entry is not None and entry.generation == self._generations.of(entry.slot) else None

    def _loaded(self, key: Key, load: Load) -> Kept:
        slot = self._generations.slot(key.name)
        before = self._generations.of(slot)
        kept = load()
        if before % 2 == 0 and self._generations.of(slot) == before:
            self._bodies.put(key, Entry(kept, before, slot))
        return kept


class VersionKeeper(Keeper):
    """On a database server, which other hosts may write to: it is asked for the version at each read."""

    def __init__(self, source: Source, bodies: Bodies | None = None) -> None:
        self._source = source
        self._bodies = bodies or Bodies()
        self._flights = Flights()

    def begin(self) -> None:
        """Memory is there."""

    def get(self, key: Key, load: Load) -> Found:
        if (kept := self._current(key)) is not None:
            return Found(kept, True)
        leads = self._flights.leads(key)
        try:
            if not leads and (kept := self._current(key)) is not None:
                return Found(kept, True)
            kept = load()
            self._bodies.put(key, Entry(kept, 0))
            return Found(kept, False)
        finally:
            if leads:
                self._flights.landed(key)

    def peek(self, key: Key) -> Kept | None:
        return None

    def _current(self, key: Key) -> Kept | None:
        entry = self._bodies.get(key)
        if entry is None or entry.kept.version != self._source.version(key):
            return None
        return entry.kept
