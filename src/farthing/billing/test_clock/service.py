"""The use cases of test clocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from farthing.billing.bill_runs.service import Background
from farthing.billing.bill_runs.values import COMPLETED, FAILED, QUEUED, RUNNING
from farthing.billing.test_clock.falling_due import DueWork
from farthing.billing.test_clock.store import AdvanceStore
from farthing.billing.test_clock.values import Advance, AdvanceUnderWay, NotASandbox, way
from farthing.identity import ClockBook
from farthing.kernel.audit import Actor, acting_as, current_actor
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.problems import Refusal

REAL = ""  # the organisation whose clock is the real one
log = structlog.get_logger("farthing")


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a sandbox's clock stands, and the advance under way or ended last; None before the first."""

    now: datetime
    last: Advance | None


class TakenOver(Exception):
    """Another process goes on with this advance."""


@dataclass(frozen=True, slots=True)
class TestClocks:
    """Moves the clocks of sandboxes, and does what falls due on the way, in order of time.

    due  the kinds of such work; of those of one moment the first comes first
    """

    database: Database
    now: Clock
    new_id: NewId
    clocks: ClockBook
    due: Sequence[DueWork]
    background: Background

    def get(self, organization: str) -> Reached:
        """Raises NotASandbox."""
        with self.database.read() as connection:
            last = AdvanceStore(connection).newest(organization)
        return Reached(self._time(organization), last)

    def advance(self, caller: Caller, to: datetime) -> Reached:
        """Note an advance and let it begin once that is kept; to where the clock stands, only what is due is done.

        raises NotASandbox, ClockCannotMoveThere, AdvanceUnderWay
        """
        organization = caller.organization
        now = self._time(organization)
        one = Advance(
            id=self.new_id("adv", self.now(REAL)), organization=organization, status=QUEUED, since=now,
            until=way(now, to), now=now, invoices=0, parked=(), error=None, version=1,
        )
        with self.database.write() as connection:
            store = AdvanceStore(connection)
            last = store.newest(organization)
            if last is not None and last.under_way:
                raise AdvanceUnderWay
            store.add(one)
            actor = current_actor()
            self.database.after_commit(lambda: self.background(partial(self._finish_as, actor, one)))
        return Reached(now, one)

    def resume(self) -> None:
        """Go on with advances whose process went away: what was due where they stood is done again, which is once."""
        with self.database.read() as connection:
            unfinished = AdvanceStore(connection).under_way()
        for one in unfinished:
            self.background(partial(self._finish, one))

    def _time(self, organization: str) -> datetime:
        time = self.clocks.time(organization)
        if time is None:
            raise NotASandbox(organization)
        return time

    def _finish_as(self, actor: Actor, one: Advance) -> None:
        with acting_as(actor):
            self._finish(one)

    def _finish(self, one: Advance) -> None:
        try:
            one = self._noted(replace(one, status=RUNNING))
            try:
                one = self._walked(one)
            except TakenOver:
                raise
            except Exception as error:
                log.exception("advance of a test clock failed", advance=one.id)
                self._failed(one, error)
                return
            self._noted(replace(one, status=COMPLETED))
        except TakenOver:
            log.warning("another process goes on with this advance", advance=one.id)

    def _walked(self, one: Advance) -> Advance:
        """The advance at its end, with all done that was due on the way; raises TakenOver."""
        one = self._done(one, self.due)  # also what was due before, or was cut off
        while one.now < one.until:
            moments = [(work, work.following(one.organization, one.now, one.until)) for work in self.due]
            at = min((moment for _, moment in moments if moment is not None), default=one.until)
            self.clocks.move(one.organization, at)
            one = self._done(replace(one, now=at), [work for work, moment in moments if moment == at])
        return one

    def _done(self, one: Advance, works: Sequence[DueWork]) -> Advance:
        for work in works:
            run = work.carry_out(one.organization, one.now)
            if run is not None:
                one = replace(one, invoices=one.invoices + run.invoices, parked=run.parked)
        return self._noted(one)

    def _failed(self, one: Advance, error: Exception) -> None:
        """It ends where the clock stands; moving it again does first what could not be done."""
        said = error.detail if isinstance(error, Refusal) else f"{type(error).__name__}; the log tells more."
        with self.database.read() as connection:
            kept = AdvanceStore(connection).newest(one.organization)
        if kept is not None and kept.id == one.id:
            self._noted(replace(kept, status=FAILED, error=said, now=self._time(one.organization)))

    def _noted(self, one: Advance) -> Advance:
        """Stored; raises TakenOver when another process stored it since."""
        one = replace(one, version=one.version + 1)
        with self.database.write() as connection:
            if not AdvanceStore(connection).save(one):
                raise TakenOver
        return one
