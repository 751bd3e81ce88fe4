"""Credit that expires before anybody used it: in short transactions, each top-up once (rules 22 and 28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import EXPIRY, JournalEntry
from farthing.billing.wallets.store import TopUpStore
from farthing.billing.wallets.values import PAID, TopUp
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, again_if_stopped
from farthing.kernel.ids import NewId
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.calendar import local_day
from farthing.pricing.posting import lapsed

STEP: Final = 500  # top-ups a transaction, so that other writers do not wait long


@dataclass(frozen=True, slots=True)
class Expiry:
    """Writes that top-ups have expired, into the transaction that is handed to it."""

    new_id: NewId

    def expire(self, connection: Connection, over: Sequence[TopUp], now: datetime, timezone: str) -> None:
        """Let what remains of these, which are held, expire; what was paid for is revenue from then on (rule 22).

        The entry is dated when that was; what a voided invoice gave back later expires on the day that it did.
        """
        due = [one for one in over if one.remaining > ZERO]
        TopUpStore(connection).save([one.lapsed(now) for one in due])
        JournalStore(connection).add([self._entry(one, now, timezone) for one in due if one.kind == PAID])

    def _entry(self, one: TopUp, now: datetime, timezone: str) -> JournalEntry:
        at = max(one.expires_at or now, one.updated_at)
        return JournalEntry(
            self.new_id("jrn", now), one.organization, f"{EXPIRY}:{one.id}:{one.version}", EXPIRY, one.customer, None,
            None, one.currency, local_day(at, ZoneInfo(timezone)), now, lapsed(one.remaining),
        )


@dataclass(frozen=True, slots=True)
class Expiries:
    """Due work: any number may do it at once, and what one has let expire another finds done."""

    database: Database
    now: Clock
    organizations: OrganizationBook
    expiry: Expiry

    def expire(self, organization: str) -> int:
        """Let all expire that is due in an organisation; how many top-ups that were."""
        done = 0
        timezone = self.organizations.get(organization).timezone
        while True:
            step = again_if_stopped(partial(self._step, organization, timezone))
            done += step
            if step < STEP:
                return done

    def _step(self, organization: str, timezone: str) -> int:
        with self.database.write() as connection:
            now, store = self.now(organization), TopUpStore(connection)
            due = store.due(organization, now, STEP)
            self.expiry.expire(connection, store.held(organization, due), now, timezone)
        return len(due)

    def expire_all(self) -> int:
        """The same for every organisation in which something is due."""
        with self.database.read() as connection:
            waiting = TopUpStore(connection).waiting()
        return sum(self.expire(organization) for organization, first in waiting if first <= self.now(organization))
