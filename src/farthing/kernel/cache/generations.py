"""Which kept answers are still current, told between all processes on one SQLite file without asking it.

A shared file of counters stands beside the database, one counter for all names of one hash. A writer makes the
counters of what it changes odd before its commit and the next even number after it (a seqlock); writers are one at a
time, because they hold the file lock. An answer belongs to the even generation that was read before it was loaded.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zlib import crc32

SLOTS: Final = 65_536
BUSY: Final = SLOTS  # the counter of writers: odd while one is at work, or when one died at it
BYTES: Final = (SLOTS + 1) * 8


class Generations:
    """The counters, in memory that all processes share; reading one takes no lock and no call."""

    def __init__(self, place: Path) -> None:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < BYTES:
                os.ftruncate(descriptor, BYTES)  # fills with zeros, also when two do it at once
            self._counters = memoryview(mmap.mmap(descriptor, BYTES)).cast("Q")
        finally:
            os.close(descriptor)
        self._at_work = False  # this process, of which one thread at most holds the file lock

    def slot(self, name: str) -> int:
        return crc32(name.encode("utf-8", "surrogatepass")) % SLOTS

    def of(self, slot: int) -> int:
        """The generation now; odd while somebody changes what belongs to it."""
        return self._counters[slot]

    @contextmanager
    def changing(self, names: frozenset[str]) -> Iterator[None]:
        """Around the commit that changes these; the caller holds the file lock.

        Whatever became of the commit, answers loaded before it was over are not current afterwards. One commit may
        change several kinds of things, each within the other.
        """
        within, self._at_work = self._at_work, True
        if not within:
            self.repair()
            self._step([BUSY])
        slots = {slot for name in names if self.of(slot := self.slot(name)) % 2 == 0}
        self._step(sorted(slots))
        try:
            yield
        finally:
            self._step(sorted(slots))
            if not within:
                self._step([BUSY])
            self._at_work = within

    @property
    def busy(self) -> bool:
        """Whether a writer is at work, or died at it."""
        return self._counters[BUSY] % 2 == 1

    def repair(self) -> None:
        """Make even what a writer that died left odd; the caller holds the file lock, so no writer is at work."""
        if self.busy:
            self._step([slot for slot in range(SLOTS) if self._counters[slot] % 2])
            self._step([BUSY])

    def _step(self, slots: list[int]) -> None:
        for slot in slots:
            self._counters[slot] += 1
