"""Deferred revenue whose month is over: released in short transactions, each month of an invoice once (rule 22)."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from farthing.billing.journal.service import Journal
from farthing.billing.journal.store import JournalStore
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, again_if_stopped

STEP: Final = 500  # releases a transaction, so that other writers do not wait long


@dataclass(frozen=True, slots=True)
class Releases:
    """Due work: any number may do it at once, and what one has released another finds done."""

    database: Database
    now: Clock
    journal: Journal

    def release(self, organization: str) -> int:
        """Release all that is due in an organisation; how many months of invoices that were."""
        done = 0
        while True:
            step = again_if_stopped(partial(self._step, organization))
            done += step
            if step < STEP:
                return done

    def _step(self, organization: str) -> int:
        with self.database.write() as connection:
            return self.journal.release(connection, organization, self.now(organization), STEP)

    def release_all(self) -> int:
        """The same for every organisation in which something is due."""
        with self.database.read() as connection:
            waiting = JournalStore(connection).waiting()
        return sum(
            self.release(organization) for organization, first in waiting if first <= self.now(organization)
        )
