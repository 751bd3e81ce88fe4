"""The use cases of reconciliations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing import Receivables
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.payments.bank_transactions.store import BankTransactionStore
from farthing.payments.bank_transactions.values import (
    MATCHED,
    PROPOSED,
    UNMATCHED,
    BankTransaction,
    BankTransactionNotFound,
)
from farthing.payments.reconciliations.choosing import Choosing
from farthing.payments.reconciliations.looking import Looking, as_proposed, shown_parts
from farthing.payments.reconciliations.schemas import ChosenIn, ReconciliationIn
from farthing.payments.reconciliations.store import ReconciliationStore
from farthing.payments.reconciliations.undoing import Undoing
from farthing.payments.reconciliations.using import as_payments, still_due
from farthing.payments.reconciliations.values import (
    AUTO,
    BALANCE,
    CHOSEN,
    MOST_AT_ONCE,
    BadChoice,
    Proposed,
    Reconciliation,
    ReconciliationNotFound,
    TransactionMatched,
    Use,
)
from farthing.payments.reconciliations.values import PROPOSED as ONLY_PROPOSED
from farthing.payments.store import PaymentStore
from farthing.pricing.transfers import Proposal


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """Transfers set against invoices: what is certain by rule 24, or what somebody chose, each once."""

    database: Database
    now: Clock
    new_id: NewId
    receivables: Receivables

    def create(self, caller: Caller, body: ReconciliationIn) -> Reconciliation:
        """Propose what transfers pay and apply what is certain, or apply what was chosen.

        raises BankTransactionNotFound, TransactionMatched, Invalid; for what was chosen BadChoice, InvoiceNotFound,
               InvoiceNotOpen, CustomerNotFound too
        """
        if body.apply is not None:
            if body.auto or body.transactions is not None:
                message = "stands alone, without transactions and auto"
                raise Invalid(f"apply {message}.", [FieldError("apply", message)])
            return self._choose(caller.organization, body.apply)
        return self._look(caller.organization, body.transactions, body.auto)

    def undo(self, caller: Caller, id: str) -> Reconciliation:
        """Take back all that it applied; raises ReconciliationNotFound, ReconciliationNotApplied, TouchedSince."""
        with self.database.write() as connection:
            now = self.now(caller.organization)
            one = _found(ReconciliationStore(connection).find(caller.organization, id, lock=True), id).undone(now)
            Undoing(self.receivables, self.new_id).undo(connection, one, now)
        return one

    def get(self, organization: str, id: str) -> Reconciliation:
        """With its proposals; raises ReconciliationNotFound."""
        with self.database.read() as connection:
            return _found(ReconciliationStore(connection).find(organization, id), id)

    def page(self, organization: str, listing: Listing) -> Page[Reconciliation]:
        """Oldest first, without their proposals."""
        with self.database.read() as connection:
            rows = ReconciliationStore(connection).page(organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda one: one.id)

    def _look(self, organization: str, wanted: Sequence[str] | None, auto: bool) -> Reconciliation:
        with self.database.write() as connection:
            now = self.now(organization)
            store = BankTransactionStore(connection)
            held = (
                store.held_unmatched(organization, MOST_AT_ONCE + 1) if wanted is None
                else _all(store.held(organization, set(wanted)), wanted)
            )
            looked = sorted(held[:MOST_AT_ONCE], key=lambda one: (one.booked_at, one.id))
            by_id = {one.id: one for one in looked}
            proposals = Looking(self.receivables).proposals(connection, looked)
            if auto:
                invoices = {part.invoice for one in proposals for part in one.certain}
                dues = still_due(self.receivables.all_held(organization, invoices).values())
                proposals = [_current(one, dues) for one in proposals]
            uses = [_use(by_id[one.transfer], one) for one in proposals if auto and one.certain]
            done = {use.transaction.id for use in uses}
            shown = [as_proposed(one, by_id[one.transfer].currency, one.transfer in done) for one in proposals]
            made = self._made(organization, AUTO if auto else ONLY_PROPOSED, shown, len(held) > MOST_AT_ONCE, now)
            self._apply(connection, made, uses, [one for one in looked if one.id not in done])
        return made

    def _choose(self, organization: str, chosen: Sequence[ChosenIn]) -> Reconciliation:
        names = [one.transaction for one in chosen]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise BadChoice(index, "transaction", "is named twice; each is used once")
        with self.database.write() as connection:
            now = self.now(organization)
            held = _all(BankTransactionStore(connection).held(organization, names), names)
            uses = Choosing(self.receivables, organization).uses(chosen, {one.id: one for one in held})
            made = self._made(organization, CHOSEN, [_chosen(use) for use in uses], False, now)
            self._apply(connection, made, uses, ())
        return made

    def _made(
        self, organization: str, kind: str, shown: Sequence[Proposed], more: bool, now: datetime
    ) -> Reconciliation:
        applied = sum(1 for one in shown if one.applied)
        return Reconciliation(
            self.new_id("rec", now), organization, kind, len(shown), applied, more, now, proposals=tuple(shown)
        )

    def _apply(
        self, connection: Connection, made: Reconciliation, uses: Sequence[Use], others: Sequence[BankTransaction]
    ) -> None:
        """Make payments of transfers, and note of the others whether anything is proposed for them."""
        payments = [one for use in uses for one in as_payments(made, use, self.new_id)]
        PaymentStore(connection).add(payments)
        self.receivables.receive(made.organization, [one.received for one in payments])
        proposed = {one.transaction for one in made.proposals if one.candidates}
        statuses = [(one, PROPOSED if one.id in proposed else UNMATCHED) for one in others]
        BankTransactionStore(connection).save([
            *(replace(use.transaction, status=MATCHED, paid_by=use.paid_by, reconciliation=made.id) for use in uses),
            *(replace(one, status=status) for one, status in statuses if status != one.status),
        ])
        ReconciliationStore(connection).add(made)


def _all(held: Sequence[BankTransaction], wanted: Sequence[str]) -> list[BankTransaction]:
    """Transfers that were asked for, all there and none matched; raises BankTransactionNotFound, TransactionMatched."""
    known = {one.id: one for one in held}
    for id in wanted:
        if id not in known:
            raise BankTransactionNotFound(id)
        if known[id].status == MATCHED:
            raise TransactionMatched(known[id])
    return list(held)


def _use(transaction: BankTransaction, proposal: Proposal) -> Use:
    return Use(transaction, proposal.certain, 0, proposal.certain[0].customer)


def _current(proposal: Proposal, dues: Mapping[str, int]) -> Proposal:
    """The proposal; in doubt where an invoice was changed by others before it could be held."""
    if all(dues.get(part.invoice) == part.amount for part in proposal.certain):
        return proposal
    return replace(proposal, ambiguous=True, reason=f"{proposal.reason} Somebody else has just changed that.")


def _chosen(use: Use) -> Proposed:
    if not use.parts:
        reason = f"Put on the balance of customer {use.customer} by choice."
        return Proposed(use.transaction.id, BALANCE, False, reason, (), True)
    candidates = [shown_parts(use.parts, use.transaction.currency)]
    return Proposed(use.transaction.id, CHOSEN, False, "Chosen by a person.", candidates, True)


def _found(one: Reconciliation | None, id: str) -> Reconciliation:
    if one is None:
        raise ReconciliationNotFound(id)
    return one


