"""Following a log: what was committed is numbered and chained, in the order in which commits become visible.

Writers hold nothing in common. Each leaves a row in `unsealed` with its record; a follower takes those it can see,
oldest first, and removes them as it seals them. A record whose transaction commits late is simply seen later: no
position is kept that it could be behind. Only followers wait for each other, at the end of the chain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from farthing.kernel.database import Database, again_if_stopped
from farthing.kernel.sealing.store import SealStore, sealed

STEP: Final = 500  # records a transaction, so that other writers do not wait long
Contents = Callable[[Connection, str, Sequence[str]], Mapping[str, bytes]]  # of records by id; of one gone, nothing


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals the logs that it knows; any number may run at once, and each record is sealed once."""

    database: Database
    logs: Mapping[str, Contents]

    def seal_all(self) -> int:
        """Seal all that waits; how many records that were."""
        with self.database.read() as connection:
            waiting = SealStore(connection).waiting()
        return sum(self.seal(log, organization) for log, organization in waiting if log in self.logs)

    def seal(self, log: str, organization: str) -> int:
        """Seal what waits of one organisation."""
        done = 0
        while step := again_if_stopped(partial(self._step, log, organization)):
            done += step
        return done

    def _step(self, log: str, organization: str) -> int:
        with self.database.write() as connection:
            store = SealStore(connection)
            last = store.held(log, organization)
            records = store.next(log, organization, STEP)
            contents = self.logs[log](connection, organization, records) if records else {}
            made = []
            for record in records:
                last = sealed(last.hash, last.number + 1, record, contents.get(record, b""))
                made.append(last)
            if made:
                store.add(log, organization, made)
        return len(made)
