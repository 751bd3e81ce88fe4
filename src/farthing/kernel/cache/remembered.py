"""Small things that every request looks up, remembered in the process for exactly as long as nobody changes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from farthing.kernel.cache.generations import Generations
from farthing.kernel.database import in_unit_of_work

V = TypeVar("V")
MOST_NAMES: Final = 10_000


class Remembered(Generic[V]):
    """What `load` gave for a name, as long as no process on this SQLite file has changed it.

    Where there are no generations (on a database server, or when another service keeps the thing) nobody could tell
    that, so nothing is remembered.
    """

    def __init__(self, generations: Generations | None) -> None:
        self._generations = generations
        self._entries: dict[str, tuple[V, int, int]] = {}  # the value, its slot, and the generation there

    def get(self, name: str, load: Callable[[], V]) -> V:
        """What is remembered, else what `load` gives, which is remembered from then on."""
        generations = self._generations
        if generations is None or in_unit_of_work():
            return load()
        if (entry := self._entries.get(name)) is not None and generations.of(entry[1]) == entry[2]:
            return entry[0]
        slot = generations.slot(name)
        before = generations.of(slot)
        value = load()
        if before % 2 == 0:
            if len(self._entries) >= MOST_NAMES:
                self._entries.clear()
            self._entries[name] = (value, slot, before)
        return value

    @contextmanager
    def changing(self, names: frozenset[str], connection: Connection) -> Iterator[None]:
        """Around the commit that changes what these stand for; see `Guard`."""
        if self._generations is None:
            yield
        else:
            with self._generations.changing(names):
                yield
