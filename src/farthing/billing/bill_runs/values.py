"""What a bill run is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from farthing.kernel.problems import FieldError, Invalid, NotFound

QUEUED, RUNNING, COMPLETED, FAILED = "queued", "running", "completed", "failed"


@dataclass(frozen=True, slots=True)
class Parked:
    """A subscription that could not be billed, and why, in words."""

    subscription: str
    reason: str


@dataclass(frozen=True, slots=True)
class BillRun:
    """Everything due by `as_of`, made into invoices once.

    customers  only these, by id; None for all
    total      boundaries found due, of which `done` have been looked at
    position   the events that it knew, where it looked at all that came late by then
    invoices   how many were drafted or finalised by it (or would be, in a dry run)
    """

    id: str
    organization: str
    as_of: datetime
    customers: Sequence[str] | None
    dry_run: bool
    status: str
    done: int
    total: int
    invoices: int
    parked: Sequence[Parked]
    error: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    position: int | None = None


class BillRunNotFound(NotFound):
    """No such bill run in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no bill run {reference[:120]}.")


class BeyondTheClock(Invalid):
    """A run cannot bill what has not happened yet, unless it only tries (rule 26)."""

    def __init__(self, why: str) -> None:
        super().__init__(f"as_of {why} (rule 26).", [FieldError("as_of", why)])
