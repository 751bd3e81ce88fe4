"""Finalised invoices and credit notes as they were when they got their numbers."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from farthing.billing import Issued
from farthing.billing.credit_notes.store import CreditNoteStore
from farthing.billing.credit_notes.values import CreditNoteNotFound
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import DRAFT, Invoice, InvoiceNotOpen, found
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.kernel.database import Database
from farthing.pricing.arithmetic import ZERO, exactly


@dataclass(frozen=True, slots=True)
class IssuedBooks:
    """Keeps `IssuedBook` on the database."""

    database: Database

    def invoice(self, organization: str, reference: str) -> Issued:
        with self.database.read() as connection:
            invoice = found(InvoiceStore(connection).find(organization, reference), reference)
            if invoice.status == DRAFT:
                raise InvoiceNotOpen(f"Invoice {invoice.id} is draft; only a finalised one has documents (rule 20).")
            return Issued(as_issued(invoice), _timezone(connection, invoice))

    def credit_note(self, organization: str, reference: str) -> Issued:
        with self.database.read() as connection:
            note = CreditNoteStore(connection).find(organization, reference)
            if note is None:
                raise CreditNoteNotFound(reference)
            invoice = found(InvoiceStore(connection).find(organization, note.invoice), note.invoice)
            return Issued(as_issued(invoice), _timezone(connection, invoice), note)


def as_issued(invoice: Invoice) -> Invoice:
    """The invoice without payments and credit notes, which came after it (rule 20)."""
    with exactly():
        since = sum((one.to.applied + one.to.refunded for one in invoice.credit_notes), ZERO)
        return replace(
            invoice, credit_applied=invoice.credit_applied - since, amount_paid=ZERO, settlements=(), credit_notes=()
        )


def _timezone(connection: Connection, invoice: Invoice) -> str:
    """Its subscription's, which a subscription keeps; else its seller's."""
    own = str(invoice.seller["timezone"])
    if invoice.subscription is None:
        return own
    owner = SubscriptionStore(connection).many(invoice.organization, [invoice.subscription]).get(invoice.subscription)
    return own if owner is None else owner.timezone
