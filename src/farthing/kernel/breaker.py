"""A circuit breaker: something that does not answer is left alone for a while instead of being waited for."""

import threading
from collections.abc import Callable
from typing import Final

from farthing.kernel.clock import ticks

FAILURES: Final = 3  # in a row, before it opens
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 10.0


class Breaker:
    """Closed while all is well; opened by failures in a row, for one second and longer each time, up to ten.

    When that is over one caller may try; its success closes the circuit, its failure opens it again. Nothing is
    held while a caller tries.
    """

    def __init__(self, failures: int = FAILURES, now: Callable[[], float] = ticks) -> None:
        self._most = failures
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._seconds = SHORTEST_SECONDS
        self._until = 0.0  # when the next may try, while it is open

    def admits(self) -> bool:
        """Whether the caller may try now; whoever may must tell how it went."""
        if self._failures < self._most:
            return True
        with self._lock:
            now = self._now()
            if self._failures >= self._most and now < self._until:
                return False
            self._until = now + self._seconds  # the others wait for the outcome of this one
            return True

    def succeeded(self) -> None:
        """It answered."""
        if self._failures:
            with self._lock:
                self._failures, self._seconds = 0, SHORTEST_SECONDS

    def failed(self) -> None:
        """It did not answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most:
                self._until = self._now() + self._seconds
                if self._failures > self._most:
                    self._seconds = min(self._seconds * 2, LONGEST_SECONDS)
