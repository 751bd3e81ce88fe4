"""Memory for finished answers, bounded by bytes, and one load at a time for each."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from farthing.kernel.cache.values import Kept, Key

MOST_BYTES: Final = 64 * 1024 * 1024
OVERHEAD_BYTES: Final = 400  # of an entry beside its body
PATIENCE_SECONDS: Final = 5.0  # that a reader waits for another one's load before it loads by itself


@dataclass(slots=True)
class Entry:
    """An answer, and the generation at which it was loaded.

    slot   where the generation that counts now is found
    asked  whether anybody asked for it since it was last about to go
    """

    kept: Kept
    generation: int
    slot: int = 0
    asked: bool = field(default=False, compare=False)


class Bodies:
    """Answers by key; the ones not asked for go first. Looking takes no lock: many look at once, and all the time."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.asked = True
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep it in place of an older one; what a slower reader loaded earlier never replaces it."""
        with self._lock:
            before = self._entries.get(key)
            if before is not None and (before.generation, before.kept.version) > (entry.generation, entry.kept.version):
                return
            self._bytes += _size(entry) - (_size(before) if before else 0)
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while self._bytes > self._most:
                self._make_room()

    def _make_room(self) -> None:
        """Let the oldest go; one that was asked for meanwhile counts as new once more."""
        oldest, entry = next(iter(self._entries.items()))
        if entry.asked:
            entry.asked = False
            self._entries.move_to_end(oldest)
        else:
            del self._entries[oldest]
            self._bytes -= _size(entry)


def _size(entry: Entry) -> int:
    return len(entry.kept.body) + OVERHEAD_BYTES


class Flights:
    """Lets one thread load a thing while the others wait; they look again afterwards, they never take its result.

    The load they waited for may have begun before a write that they must see.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Key, threading.Event] = {}

    def leads(self, key: Key) -> bool:
        """Whether the caller is to load, and to call `landed` afterwards; False once somebody else has."""
        with self._lock:
            flight = self._under_way.get(key)
            if flight is None:
                self._under_way[key] = threading.Event()
                return True
        flight.wait(PATIENCE_SECONDS)
        return False

    def landed(self, key: Key) -> None:
        with self._lock:
            flight = self._under_way.pop(key)
        flight.set()
