"""Makes a server believed again, or one that is no more not believed any longer; beside the requests, never in one."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from farthing.kernel.cache.beliefs import QUIET_SECONDS, Belief, Beliefs
from farthing.kernel.cache.server import Gone, Server

BETWEEN_SECONDS: Final = 1.0
NEVER: Final = Belief(0, None)
log = structlog.get_logger("farthing")

Spawn = Callable[[Callable[[], None]], object]
Pause = Callable[[float], object]


def in_a_thread(work: Callable[[], None]) -> None:
    """Do a piece of work beside the caller's."""
    threading.Thread(target=work, daemon=True, name="farthing-cache-mending").start()


class Mending:
    """One attempt at a time, and at most one a second."""

    def __init__(
        self, beliefs: Beliefs, server: Server, spawn: Spawn = in_a_thread, pause: Pause = time.sleep
    ) -> None:
        self._beliefs = beliefs
        self._server = server
        self._spawn = spawn
        self._pause = pause
        self._lock = threading.Lock()
        self._next = 0.0

    def due(self, belief: Belief) -> None:
        """Begin an attempt when it is time for one."""
        with self._lock:
            now = self._beliefs.now()
            if now < self._next:
                return
            self._next = now + BETWEEN_SECONDS
        self._spawn(lambda: self._tried(lambda: self._attempt(belief)))

    def begin(self) -> None:
        """Where nobody was ever believed, believe the server at once: a process that is ready then keeps answers."""
        belief = self._beliefs.current()
        if belief == NEVER:
            self._tried(lambda: self.mend(belief))
        else:
            self.due(belief)

    def _attempt(self, belief: Belief) -> None:
        """End a belief if it is wrong, and begin another once nobody can hold to it."""
        self.mend(belief)
        ended = self._beliefs.current()
        if ended.server is None:
            self._pause(QUIET_SECONDS)
            self.mend(ended)

    def _tried(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Gone:
            pass  # later
        except Exception as error:  # the database's own troubles are told by those who need it
            log.warning("cache not mended", error=str(error))

    def mend(self, belief: Belief) -> None:
        """Believe the server that answers once nobody is believed, or end the belief in one that is no more.

        Nobody may be believed anew before every lease of the old belief has ended.
        """
        identity = self._server.identity()
        asked = self._beliefs.now()
        quiet = self._beliefs.noticed(belief, asked - BETWEEN_SECONDS) if belief.server is None else asked
        if belief.server == identity or asked < quiet:
            return
        if belief.server is None and not identity.startswith("master "):
            return
        with self._beliefs.database.write() as connection:
            store = self._beliefs.on(connection)
            if belief.server is None:
                store.begin(belief, identity)
            else:
                store.end(belief)
        self._beliefs.forget()
        log.info("cache belief", server=identity if belief.server is None else None)
