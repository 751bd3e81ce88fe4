"""Makes a server believed again, or one that is no more not believed any longer; beside the requests, never in one."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from farthing.kernel.cache.beliefs import Belief, Beliefs
from farthing.kernel.cache.server import Gone, Server

BETWEEN_SECONDS: Final = 1.0
log = structlog.get_logger("farthing")

Spawn = Callable[[Callable[[], None]], object]


def in_a_thread(work: Callable[[], None]) -> None:
    """Do a piece of work beside the caller's."""
    threading.Thread(target=work, daemon=True, name="farthing-cache-mending").start()


class Mending:
    """One attempt at a time, and at most one a second."""

    def __init__(self, beliefs: Beliefs, server: Server, spawn: Spawn = in_a_thread) -> None:
        self._beliefs = beliefs
        self._server = server
        self._spawn = spawn
        self._lock = threading.Lock()
        self._next = 0.0

    def due(self, belief: Belief) -> None:
        """Begin an attempt when it is time for one."""
        with self._lock:
            now = self._beliefs.now()
            if now < self._next:
                return
            self._next = now + BETWEEN_SECONDS
        self._spawn(lambda: self._attempt(belief))

    def _attempt(self, belief: Belief) -> None:
        try:
            self.mend(belief)
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
