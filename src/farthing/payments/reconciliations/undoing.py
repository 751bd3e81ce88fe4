"""Taking a reconciliation back: its payments are reversed, and all is as it was before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing import Invoice, Receivables
from farthing.kernel.ids import NewId
from farthing.payments.bank_transactions.store import BankTransactionStore
from farthing.payments.bank_transactions.values import UNMATCHED
from farthing.payments.reconciliations.store import ReconciliationStore
from farthing.payments.reconciliations.values import Reconciliation, TouchedSince
from farthing.payments.store import PaymentStore
from farthing.payments.values import Payment, Refund
from farthing.pricing.arithmetic import ZERO


@dataclass(frozen=True, slots=True)
class Undoing:
    """Reverses payments; nothing is deleted."""

    receivables: Receivables
    new_id: NewId

    def undo(self, connection: Connection, one: Reconciliation, now: datetime) -> None:
        """Take back all that a reconciliation, held, has applied; raises TouchedSince, BalanceTooLow."""
        transactions, store = BankTransactionStore(connection), PaymentStore(connection)
        matched = transactions.held_of(one.organization, one.id)
        paid = store.of_reconciliation(one.organization, one.id)
        invoices = {payment.invoice for payment in paid if payment.invoice is not None}
        held = self.receivables.all_held(one.organization, invoices)  # before the payments, as everybody does
        payments = store.of_reconciliation(one.organization, one.id, lock=True)
        _check_untouched(payments, held)
        taken = [(_reversed(payment, refund, now), refund) for payment in payments
                 for refund in [self._refund(one, payment, now)]]
        store.refund(taken)
        self.receivables.give_back(
            one.organization, [payment.giving_back(refund, taken=True) for payment, refund in taken]
        )
        transactions.save([
            replace(each, status=UNMATCHED, paid_by=None, reconciliation=None) for each in matched
        ])
        ReconciliationStore(connection).undo(one)

    def _refund(self, one: Reconciliation, payment: Payment, now: datetime) -> Refund:
        reason = f"Reconciliation {one.id} undone"
        return Refund(self.new_id("rfd", now), payment.id, payment.on_invoice, payment.on_balance, reason, now)


def _reversed(payment: Payment, refund: Refund, now: datetime) -> Payment:
    return replace(payment.given_back(refund), reversed_at=now, receipt=None)


def _check_untouched(payments: Sequence[Payment], invoices: Mapping[str, Invoice]) -> None:
    """Nothing was given back of what was paid, and no invoice given up; raises TouchedSince.

    What went to balances and was used since, nobody can take from there.
    """
    for payment in payments:
        if payment.refunded > ZERO:
            raise TouchedSince(f"Of payment {payment.id} money was given back since")
    for one in invoices.values():
        if one.status not in ("open", "paid"):
            raise TouchedSince(f"Invoice {one.number} is {one.status}")
        if any(note.to.credited > ZERO or note.to.refunded > ZERO for note in one.credit_notes):
            raise TouchedSince(f"Credit notes gave back what was paid of invoice {one.number}")
