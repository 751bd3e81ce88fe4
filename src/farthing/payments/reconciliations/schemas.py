"""Reconciliations over the wire."""

from typing import Annotated, ClassVar

from pydantic import Field

from farthing.kernel.schemas import InstantOut, Reference, Schema, Shown
from farthing.payments.reconciliations.values import MOST_AT_ONCE, Proposed, Reconciliation

MOST_INVOICES = 100  # that somebody may say one transfer pays


class ChosenIn(Schema):
    """What somebody says a transfer is: a payment of these invoices, in this order, or money for a balance."""

    transaction: Reference
    invoices: Annotated[list[Reference], Field(max_length=MOST_INVOICES)] = []
    customer: Reference | None = None


class ReconciliationIn(Schema):
    """Which transfers to look at (all that are not matched), and whether to apply what is certain; or `apply`, what
    somebody chose."""

    transactions: Annotated[list[Reference], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    auto: bool = False
    apply: Annotated[list[ChosenIn], Field(min_length=1, max_length=500)] | None = None


class CandidateOut(Shown):
    """How much of a transfer an invoice would get."""

    invoice: str
    number: str
    amount: str


class ProposalOut(Shown):
    """What a transfer may pay, and why; `ambiguous` when a person has to say."""

    transaction: str
    kind: str
    ambiguous: bool
    reason: str
    candidates: list[list[CandidateOut]]
    applied: bool

    @classmethod
    def of(cls, one: Proposed) -> "ProposalOut":
        return cls(
            transaction=one.transaction, kind=one.kind, ambiguous=one.ambiguous, reason=one.reason,
            candidates=[[CandidateOut.model_validate(part) for part in each] for each in one.candidates],
            applied=one.applied,
        )


class ReconciliationOut(Shown):
    """A reconciliation: how many transfers it looked at and matched; `proposals` are left out in lists."""

    optional: ClassVar[frozenset[str]] = frozenset({"proposals"})
    id: str
    kind: str
    status: str
    transactions: int
    matched: int
    more: bool
    created_at: InstantOut
    undone_at: InstantOut | None
    proposals: list[ProposalOut] | None

    @classmethod
    def of(cls, one: Reconciliation) -> "ReconciliationOut":
        return cls.in_list(one).model_copy(update={"proposals": [ProposalOut.of(each) for each in one.proposals]})

    @classmethod
    def in_list(cls, one: Reconciliation) -> "ReconciliationOut":
        return cls(
            id=one.id, kind=one.kind, status=one.status, transactions=one.looked, matched=one.applied, more=one.more,
            created_at=one.created_at, undone_at=one.undone_at, proposals=None,
        )
