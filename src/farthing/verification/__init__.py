"""The invariants that a store must hold, looked for over all of it: the same for tests, demo and production."""

from collections.abc import Iterator, Sequence
from typing import Final

from farthing.app import Farthing
from farthing.verification.aggregates import counted
from farthing.verification.amounts import sums
from farthing.verification.chains import sealed_logs
from farthing.verification.commitments import true_ups
from farthing.verification.events import listed
from farthing.verification.journal import journal
from farthing.verification.late import late_usage
from farthing.verification.numbers import numbers
from farthing.verification.once import once
from farthing.verification.rating import rating
from farthing.verification.tenancy import tenancy
from farthing.verification.values import ANY, Broken, Check, Verified

__all__ = ["CHECKS", "Broken", "Check", "Verified", "verify"]


def again(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I8: every line comes from its events, late ones too, and a true-up from what its plan period's lines lack."""
    yield from rating(farthing, organizations)
    yield from late_usage(farthing, organizations)
    yield from true_ups(farthing, organizations)


CHECKS: Final[tuple[Check, ...]] = (
    Check("I1", "every acknowledged event is there once and says what it said", "usage", listed),
    Check("I2", "what meters count is what their events say, less voided ones", "usage", counted),
    Check("I4", "no price is billed twice for a day", "billing", once),
    Check("I5", "the sums of every invoice hold, at its currency's own decimals", "billing", sums),
    Check("I6", "the journal balances and says what open invoices say", "billing", journal),
    Check("I7", "numbers have no gaps and no repeats, and rise with the time of issue", "billing", numbers),
    Check("I8", "rating the recorded events again gives every line", "billing", again),
    Check("I12", "nothing refers to another organisation's", ANY, tenancy),
    Check("chain", "the journal and the audit log are as they were sealed", ANY, sealed_logs),
)


def verify(farthing: Farthing, organizations: Sequence[str] | None = None) -> Iterator[Verified]:
    """Every check in turn over these organisations, or all; those of rooms that run elsewhere are left to them."""
    for check in CHECKS:
        if check.room in (ANY, *farthing.here):
            yield Verified(check, list(check.broken(farthing, organizations)))
