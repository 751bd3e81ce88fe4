"""What a reconciliation is, and the refusals about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from farthing.kernel.problems import Conflict, FieldError, Invalid, NotFound
from farthing.payments.bank_transactions.values import BankTransaction
from farthing.pricing.transfers import Part

PROPOSED, AUTO, CHOSEN = "proposed", "auto", "chosen"
BALANCE: Final = "balance"  # how a transfer was matched that went to its customer's balance
METHOD: Final = "bank_transfer"  # of the payments that transfers become
MOST_AT_ONCE: Final = 5_000  # transfers that one reconciliation looks at


@dataclass(frozen=True, slots=True)
class Proposed:
    """What was proposed for a transfer, and whether it was done.

    candidates  each the invoices that it would pay: identifier, number and amount, as they are shown
    """

    transaction: str
    kind: str
    ambiguous: bool
    reason: str
    candidates: Sequence[Sequence[dict[str, Any]]]  # Any: JSON
    applied: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A look at transfers: what was proposed for each, and what of it was done.

    kind     proposed only, what was certain done at once, or what somebody chose
    looked   how many transfers it looked at, and how many of them it matched
    more     whether there were more than it looks at in one go
    """

    id: str
    organization: str
    kind: str
    looked: int
    applied: int
    more: bool
    created_at: datetime
    undone_at: datetime | None = None
    proposals: Sequence[Proposed] = ()

    @property
    def status(self) -> str:
        if self.undone_at is not None:
            return "undone"
        return "applied" if self.applied else "proposed"

    def undone(self, at: datetime) -> "Reconciliation":
        """The same taken back; raises ReconciliationNotApplied."""
        if self.status != "applied":
            raise ReconciliationNotApplied(self)
        return replace(self, undone_at=at)


@dataclass(frozen=True, slots=True)
class Use:
    """What a transfer is used for: parts for invoices, and the rest for a customer's balance."""

    transaction: BankTransaction
    parts: Sequence[Part]
    rest: int  # minor units
    customer: str  # whose the rest is

    @property
    def paid_by(self) -> str | None:
        """Whose it was; None where it paid for several."""
        of = {part.customer for part in self.parts} | ({self.customer} if self.rest else set())
        return of.pop() if len(of) == 1 else None


class ReconciliationNotFound(NotFound):
    """No such reconciliation in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no reconciliation {reference[:120]}.")


class ReconciliationNotApplied(Conflict):
    """Only what was applied can be undone, and once."""

    def __init__(self, one: Reconciliation) -> None:
        super().__init__(f"Reconciliation {one.id} is {one.status}; only an applied one can be undone, once.")


class TransactionMatched(Conflict):
    """A transfer is matched once."""

    def __init__(self, one: BankTransaction) -> None:
        super().__init__(
            f"Bank transaction {one.id} is matched by reconciliation {one.reconciliation}, which can be undone."
        )


class TouchedSince(Conflict):
    """What a reconciliation paid has been changed since, so that it cannot be taken back any more."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; the reconciliation cannot be undone any more.")


class BadChoice(Invalid):
    """A transfer that cannot be used as somebody chose."""

    def __init__(self, index: int, field: str, message: str) -> None:
        super().__init__(f"{field} {message}.", [FieldError(field, message, index)])
