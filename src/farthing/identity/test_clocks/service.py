"""Reading and moving test clocks; what falls due on the way is billing's to know."""

from dataclasses import dataclass
from datetime import datetime

from farthing.identity.test_clocks.store import ClockStore
from farthing.kernel.database import Database


@dataclass(frozen=True, slots=True)
class SandboxClocks:
    """The time of sandboxes, as the row says at this moment: nobody keeps a copy of it."""

    database: Database

    def time(self, organization: str) -> datetime | None:
        """Where a sandbox's clock stands; None for an organisation that is none."""
        with self.database.read() as connection:
            return ClockStore(connection).time(organization)

    def move(self, organization: str, to: datetime) -> datetime | None:
        """Forward to this moment, never back; where it stands then."""
        with self.database.write() as connection:
            store = ClockStore(connection)
            store.move(organization, to)
            return store.time(organization)
