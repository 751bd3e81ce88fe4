"""The use cases of bill runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from farthing.billing.bill_runs.running import Running
from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.store import BillRunStore
from farthing.billing.bill_runs.values import (
    COMPLETED,
    FAILED,
    QUEUED,
    RUNNING,
    BeyondTheClock,
    BillRun,
    BillRunNotFound,
)
from farthing.customers import CustomerBook
from farthing.kernel.audit import Actor, acting_as, current_actor
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import Refusal

LOOK_AHEAD: Final = timedelta(days=3660)  # ten years: a dry run is for what is coming
Background = Callable[[Callable[[], object]], object]  # runs a piece of work, at once or soon
Progress = Callable[[BillRun], None]
log = structlog.get_logger("farthing")


@dataclass(frozen=True, slots=True)
class BillRuns:
    """Runs that make invoices of all that is due; each may be repeated, and bills nobody twice."""

    database: Database
    now: Clock
    new_id: NewId
    customers: CustomerBook
    running: Running
    background: Background

    def begin(self, caller: Caller, body: BillRunIn) -> BillRun:
        """Note a run and let it begin once that is kept; raises BeyondTheClock, CustomerNotFound."""
        run = self._new(caller, body)
        with self.database.write() as connection:
            BillRunStore(connection).add(run)
            actor = current_actor()
            self.database.after_commit(lambda: self.background(partial(self._finish_as, actor, run)))
        return run

    def run(self, caller: Caller, body: BillRunIn, progress: Progress) -> BillRun:
        """Begin a run and stay until it has ended, told of its progress; raises as `begin` does."""
        run = self._new(caller, body)
        with self.database.write() as connection:
            BillRunStore(connection).add(run)
        return self._finish(run, progress)

    def get(self, organization: str, run_id: str) -> BillRun:
        """Raises BillRunNotFound."""
        with self.database.read() as connection:
            run = BillRunStore(connection).find(organization, run_id)
        if run is None:
            raise BillRunNotFound(run_id)
        return run

    def page(self, caller: Caller, listing: Listing) -> Page[BillRun]:
        with self.database.read() as connection:
            rows = BillRunStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda run: run.id)

    def resume(self) -> None:
        """Go on with runs whose process went away; what they had billed stays billed once."""
        with self.database.read() as connection:
            unfinished = BillRunStore(connection).unfinished()
        for run in unfinished:
            self.background(partial(self._finish, run))

    def _new(self, caller: Caller, body: BillRunIn) -> BillRun:
        now = self.now(caller.organization)
        if body.as_of > now and not body.dry_run:
            raise BeyondTheClock(f"lies ahead of the clock, at {instant_text(now)}; only a dry run may look ahead")
        if body.as_of > now + LOOK_AHEAD:
            raise BeyondTheClock(f"lies more than {LOOK_AHEAD.days} days ahead, which is as far as a dry run looks")
        customers = None
        if body.customers is not None:
            named = self.customers.named(caller.organization, body.customers)
            customers = sorted({customer.id for customer in named.values()})
        return BillRun(
            id=self.new_id("run", now), organization=caller.organization, as_of=body.as_of, customers=customers,
            dry_run=body.dry_run, status=QUEUED, done=0, total=0, invoices=0, parked=(), error=None, version=1,
            created_at=now, updated_at=now,
        )

    def _finish_as(self, actor: Actor, run: BillRun) -> BillRun:
        with acting_as(actor):
            return self._finish(run)

    def _finish(self, run: BillRun, progress: Progress = lambda run: None) -> BillRun:
        def note(changed: BillRun) -> BillRun:
            changed = replace(changed, version=changed.version + 1, updated_at=self.now(run.organization))
            with self.database.write() as connection:
                BillRunStore(connection).save(changed)
            progress(changed)
            return changed

        run = note(replace(run, status=RUNNING, done=0, total=0, parked=()))
        try:
            for reached in self.running.steps(run):
                run = reached
                progress(run)
        except Exception as error:
            log.exception("bill run failed", run=run.id)
            return note(replace(run, status=FAILED, error=_reason(error)))
        return note(replace(run, status=COMPLETED, done=run.total))


def _reason(error: Exception) -> str:
    """Why a run failed, for its author: what this program refused in words, the rest is for the log."""
    if isinstance(error, Refusal):
        return error.detail
    return f"{type(error).__name__}; the log tells more. What the run had billed stays, and running it again goes on."
