"""Whether Redis may be believed: the one row that says so, and each process's lease of what it read there.

Redis may forget, come back with an old snapshot or hand over to a replica that lags. So nothing in it counts but
under the belief that stands in the database: which server (told apart from every other, and from its own earlier
lives) and which epoch, a number drawn anew each time. A process asks for the belief at most every `LEASE_SECONDS`;
whoever ends a belief waits that long before it acknowledges anything, and then nobody holds to it any more.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, PrimaryKeyConstraint, select, update

from farthing.kernel.clock import elapsed
from farthing.kernel.columns import Identifier, Name, required, table
from farthing.kernel.database import Database

LEASE_SECONDS: Final = 0.25
QUIET_SECONDS: Final = LEASE_SECONDS * 1.1  # two clocks of one machine kind differ by far less than that
ROW: Final = "answers"

beliefs = table(
    "cache_beliefs",
    required("name", Identifier),
    required("epoch", BigInteger),
    Column("server", Name),
    PrimaryKeyConstraint("name", name="cache_beliefs_pk"),
)


@dataclass(frozen=True, slots=True)
class Belief:
    """server  what tells the believed server and this life of it from all others; None: no server is believed"""

    epoch: int  # 0 as long as nobody ever was
    server: str | None


@dataclass(frozen=True, slots=True)
class BeliefStore:
    connection: Connection

    def find(self, lock: bool = False) -> Belief:
        """lock  nobody changes it until the transaction ends"""
        query = select(beliefs.c.epoch, beliefs.c.server).where(beliefs.c.name == ROW)
        row = self.connection.execute(query.with_for_update(read=True) if lock else query).one()
        return Belief(row.epoch, row.server)

    def end(self, belief: Belief) -> None:
        """Believe nobody any more, unless the belief has changed already."""
        self._replace(belief, Belief(belief.epoch, None))

    def begin(self, ended: Belief, server: str) -> None:
        """Believe a server, unless the belief has changed; waits for writers who saw that nobody is believed."""
        self._replace(ended, Belief(secrets.randbits(62) | 1, server))

    def _replace(self, old: Belief, new: Belief) -> None:
        same = (beliefs.c.name == ROW) & (beliefs.c.epoch == old.epoch) & beliefs.c.server.is_not_distinct_from(
            old.server
        )
        self.connection.execute(update(beliefs).where(same).values(epoch=new.epoch, server=new.server))


class Beliefs:
    """The belief of the moment, asked for once in a lease, and since when a process knows that one has ended."""

    def __init__(self, database: Database, now: Callable[[], float] = elapsed) -> None:
        self.database = database
        self.now = now
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._leased: tuple[float, Belief] | None = None  # when it was asked for, before the answer
        self._ended: tuple[int, float] | None = None  # the epoch, and when this process knew

    def on(self, connection: Connection) -> BeliefStore:
        """The row itself, in a transaction."""
        return BeliefStore(connection)

    def current(self) -> Belief:
        """The belief, at most a lease old."""
        if (belief := self.leased()) is not None:
            return belief
        with self._asking:
            if (belief := self.leased()) is not None:
                return belief
            asked = self.now()
            with self.database.read() as connection:
                belief = self.on(connection).find()
            self.noticed(belief, asked)
            return belief

    def noticed(self, belief: Belief, asked: float) -> float:
        """Remember what the row said, or says since a commit; from the moment returned on nobody holds to another.

        asked  a moment before it was read; the lease counts from there
        """
        with self._lock:
            if self._leased is None or self._leased[0] <= asked:
                self._leased = (asked, belief)
            if belief.server is not None or belief.epoch == 0:
                return asked
            if self._ended is None or self._ended[0] != belief.epoch:
                self._ended = (belief.epoch, self.now())
            return self._ended[1] + QUIET_SECONDS

    def forget(self) -> None:
        """Ask anew at the next occasion."""
        with self._lock:
            self._leased = None

    def leased(self) -> Belief | None:
        """The belief, when it need not be asked for."""
        leased = self._leased
        return leased[1] if leased is not None and self.now() <= leased[0] + LEASE_SECONDS else None
