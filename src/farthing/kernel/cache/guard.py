"""What stands around a commit that changes what answers show, so that none of them outlives its acknowledgement."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from farthing.kernel.cache.beliefs import Belief, Beliefs
from farthing.kernel.cache.server import Gone, Server
from farthing.kernel.cache.shelf import CHANGING, Shelf

Pause = Callable[[float], object]


@dataclass(frozen=True, slots=True)
class SharedGuard:
    """Every process that may change an invoice has one, also where no Redis is set: another process may use one.

    Before the commit the names are marked in the believed server, and the belief is held by the transaction. After
    it they are cleared. Where one of these fails nobody is believed any more, and the answer waits until every
    process knows: what is acknowledged is never shown older.
    """

    beliefs: Beliefs
    server: Server | None
    pause: Pause = time.sleep

    @contextmanager
    def __call__(self, names: frozenset[str], connection: Connection) -> Iterator[None]:
        ordered, token = sorted(names), CHANGING + secrets.token_bytes(12)
        belief = self._marked(ordered, token, connection)
        try:
            yield
        except BaseException:
            self._tried_to_mark(belief, ordered, token)  # it may still be committed, later than anybody knows
            raise
        self._settle(belief, ordered, token, connection)

    def _marked(self, names: Sequence[str], token: bytes, connection: Connection) -> Belief:
        """The belief that holds at the commit: under it the names are marked, or nobody is believed."""
        store = self.beliefs.on(connection)
        leased = self.beliefs.leased() or store.find()
        if leased.server is not None and not self._tried_to_mark(leased, names, token):
            store.end(leased)  # before the lock below, which two who wait for each other could not both turn into this
        belief = store.find(lock=True)
        if belief != leased:
            self._tried_to_mark(belief, names, token)
        return belief

    def _tried_to_mark(self, belief: Belief, names: Sequence[str], token: bytes) -> bool:
        shelf = Shelf.under(belief, self.server)
        if shelf is None:
            return False
        try:
            shelf.mark(names, token)
        except Gone:
            return False
        return True

    def _settle(self, belief: Belief, names: Sequence[str], token: bytes, connection: Connection) -> None:
        """Clear the names, or let nobody be believed; what is acknowledged waits until every lease has ended."""
        if belief.server is not None and self._tried_to_clear(belief, names, token):
            return
        if belief.server is not None:
            with connection.begin():
                self.beliefs.on(connection).end(belief)
        quiet = self.beliefs.noticed(Belief(belief.epoch, None), self.beliefs.now())
        self.beliefs.database.after_commit(lambda: self._wait_until(quiet))

    def _tried_to_clear(self, belief: Belief, names: Sequence[str], token: bytes) -> bool:
        shelf = Shelf.under(belief, self.server)
        if shelf is None:
            return False
        try:
            shelf.clear(names, token)
        except Gone:
            return False
        return True

    def _wait_until(self, moment: float) -> None:
        if (left := moment - self.beliefs.now()) > 0:
            self.pause(left)
