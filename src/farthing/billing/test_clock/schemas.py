"""Test clocks over the wire."""

from farthing.billing.bill_runs.schemas import ParkedOut, ProgressOut
from farthing.billing.test_clock.service import Reached
from farthing.kernel.schemas import InstantIn, InstantOut, Schema, Shown


class AdvanceIn(Schema):
    """How far the clock shall move."""

    to: InstantIn


class TestClockOut(Shown):
    """A sandbox's clock: where it stands, and its last advance; without an id it was never moved.

    `progress` counts the seconds of the way.
    """

    now: InstantOut
    id: str | None
    status: str
    to: InstantOut
    progress: ProgressOut
    invoices: int
    parked: list[ParkedOut]
    error: str | None

    @classmethod
    def of(cls, reached: Reached) -> "TestClockOut":
        now, last = reached.now, reached.last
        if last is None:
            return cls(
                now=now, id=None, status="completed", to=now, progress=ProgressOut(done=0, total=0), invoices=0,
                parked=[], error=None,
            )
        done, total = last.seconds
        return cls(
            now=now, id=last.id, status=last.status, to=last.until, progress=ProgressOut(done=done, total=total),
            invoices=last.invoices, error=last.error,
            parked=[ParkedOut(subscription=one.subscription, reason=one.reason) for one in last.parked],
        )
