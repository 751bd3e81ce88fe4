"""What falls due by itself as time goes by: when the next of it is, and doing it then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import COMPLETED, BillRun
from farthing.billing.journal.releasing import Releases
from farthing.billing.journal.store import JournalStore
from farthing.billing.subscriptions.closing import due_boundaries
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.wallets.expiring import Expiries
from farthing.billing.wallets.store import TopUpStore
from farthing.identity import OrganizationBook
from farthing.kernel.clock import instant_text
from farthing.kernel.credentials import operator
from farthing.kernel.database import Database
from farthing.kernel.problems import Unavailable
from farthing.kernel.schemas import parsed


class RunFailed(Unavailable):
    """A bill run on the way failed: the clock stays where it is until it is moved again."""


class DueWork(Protocol):
    """One kind of work that time brings."""

    def following(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        """The first moment after `after`, and not after `until`, at which there is some; None when there is none."""

    def carry_out(self, organization: str, at: datetime) -> BillRun | None:
        """Do what is due at a moment that the clock has just reached; the bill run, where it was one."""


@dataclass(frozen=True, slots=True)
class DueReleases:
    """Deferred revenue whose month is over (rule 22)."""

    database: Database
    releases: Releases

    def following(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        with self.database.read() as connection:
            return JournalStore(connection).next_release(organization, after, until)

    def carry_out(self, organization: str, at: datetime) -> BillRun | None:
        self.releases.release(organization)
        return None


@dataclass(frozen=True, slots=True)
class DueExpiries:
    """Credit of top-ups that expires (rule 28)."""

    database: Database
    expiries: Expiries

    def following(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        with self.database.read() as connection:
            return TopUpStore(connection).next_expiry(organization, after, until)

    def carry_out(self, organization: str, at: datetime) -> BillRun | None:
        self.expiries.expire(organization)
        return None


@dataclass(frozen=True, slots=True)
class DueBoundaries:
    """Boundaries, at which drafts are made, and the ends of their grace, at which they become final (rule 26)."""

    database: Database
    organizations: OrganizationBook
    bill_runs: BillRuns

    def following(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        grace = timedelta(seconds=self.organizations.get(organization).grace_seconds)
        return min(self._moments(organization, after, until, grace), default=None)

    def carry_out(self, organization: str, at: datetime) -> BillRun | None:
        """Raises RunFailed."""
        body = parsed(BillRunIn, {"as_of": instant_text(at)})
        run = self.bill_runs.run(operator(organization), body, lambda run: None)
        if run.status != COMPLETED:
            raise RunFailed(f"Bill run {run.id} failed: {run.error}")
        return run

    def _moments(self, organization: str, after: datetime, until: datetime, grace: timedelta) -> Iterator[datetime]:
        """The next boundary of each subscription, and the ends of the grace of those that are open still."""
        with self.database.read() as connection:
            store = SubscriptionStore(connection)
            soonest = store.next_boundary(organization, after, until)
            waiting = store.due(organization, after, None)
        if soonest is not None:
            yield soonest
            until = soonest
        for one in waiting:
            for boundary in due_boundaries(one, until):
                if boundary.at > after:
                    yield boundary.at
                    break
                if after < boundary.at + grace <= until:
                    yield boundary.at + grace
