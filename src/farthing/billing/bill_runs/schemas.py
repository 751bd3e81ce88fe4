"""Bill runs over the wire."""

from typing import Annotated

from pydantic import Field

from farthing.billing.bill_runs.values import BillRun
from farthing.kernel.schemas import InstantIn, InstantOut, Reference, Schema, Shown


class BillRunIn(Schema):
    """A run to be begun."""

    as_of: InstantIn
    customers: Annotated[list[Reference], Field(min_length=1, max_length=1000)] | None = None
    dry_run: bool = False


class ProgressOut(Shown):
    """How far a run has come."""

    done: int
    total: int


class ParkedOut(Shown):
    """A subscription that could not be billed."""

    subscription: str
    reason: str


class BillRunOut(Shown):
    """A bill run."""

    id: str
    status: str
    as_of: InstantOut
    dry_run: bool
    progress: ProgressOut
    invoices: int
    parked: list[ParkedOut]
    error: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, run: BillRun) -> "BillRunOut":
        return cls(
            id=run.id, status=run.status, as_of=run.as_of, dry_run=run.dry_run,
            progress=ProgressOut(done=run.done, total=run.total), invoices=run.invoices,
            parked=[ParkedOut(subscription=one.subscription, reason=one.reason) for one in run.parked],
            error=run.error, version=run.version, created_at=run.created_at, updated_at=run.updated_at,
        )
