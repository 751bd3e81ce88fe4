"""What an advance of a test clock is, and the refusals about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farthing.billing.bill_runs.values import QUEUED, RUNNING, Parked
from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Conflict, FieldError, Invalid

FARTHEST: Final = timedelta(days=3660)  # ten years at once: each boundary on the way is a bill run
UNDER_WAY: Final = (QUEUED, RUNNING)


@dataclass(frozen=True, slots=True)
class Advance:
    """A sandbox's clock on its way from one moment to a later one.

    since, until  the way; `now` is how far it has come
    invoices      how often the bill runs on the way drafted or finalised one
    parked        the subscriptions that the last of those runs could not bill
    """

    id: str
    organization: str
    status: str
    since: datetime
    until: datetime
    now: datetime
    invoices: int
    parked: Sequence[Parked]
    error: str | None
    version: int

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def seconds(self) -> tuple[int, int]:
        """How much of the way is done, and how long it is; both whole seconds."""
        second = timedelta(seconds=1)
        return (self.now - self.since) // second, (self.until - self.since) // second


class NotASandbox(Conflict):
    """The real time cannot be moved."""

    def __init__(self, organization: str) -> None:
        super().__init__(
            f"Organisation {organization} is no sandbox: its clock is the real one, which cannot be moved. A sandbox "
            "is made by `farthing orgs create --sandbox`."
        )


class AdvanceUnderWay(Conflict):
    """A clock is moved by one advance at a time."""

    def __init__(self) -> None:
        super().__init__("The test clock is being moved already; GET /v1/test-clock tells how far it has come.")


class ClockCannotMoveThere(Invalid):
    """A test clock only moves forward, and not without end."""

    def __init__(self, why: str) -> None:
        super().__init__(f"to {why}.", [FieldError("to", why)])


def way(now: datetime, to: datetime) -> datetime:
    """Where an advance ends; raises ClockCannotMoveThere."""
    if to < now:
        raise ClockCannotMoveThere(f"lies before {instant_text(now)}, where the clock stands: it never moves back")
    if to > now + FARTHEST:
        raise ClockCannotMoveThere(f"lies more than {FARTHEST.days} days ahead, which is the most for one advance")
    return to
