"""A lock between processes on one machine: held through the kernel, so a killed holder frees it."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from farthing.kernel.problems import Unavailable


class StoreBusy(Unavailable):
    """Other writers held the store for longer than a request may wait."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(f"The store was held by other writers for more than {seconds:g} seconds ({path.name}).")


@dataclass(frozen=True, slots=True)
class FileLock:
    """One holder among all threads and processes that name the same file."""

    path: Path
    threads: threading.Lock

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold the lock; raises StoreBusy after `patience` seconds of waiting."""
        deadline = time.monotonic() + patience
        if not self.threads.acquire(timeout=patience):
            raise StoreBusy(self.path, patience)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(descriptor, deadline, patience)
                yield
            finally:
                os.close(descriptor)  # closing unlocks
        finally:
            self.threads.release()

    def _lock(self, descriptor: int, deadline: float, patience: float) -> None:
        pause = 0.0002
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreBusy(self.path, patience) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.005)
