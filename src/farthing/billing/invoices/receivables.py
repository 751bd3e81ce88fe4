"""What payments may do to invoices: see `Receivables` of this room."""

from dataclasses import dataclass, replace

from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import UNCOLLECTIBLE, Invoice, Settlement, found, paid, payable
from farthing.billing.journal.service import Journal
from farthing.kernel.cache.values import Key
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, changes


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """Keeps `Receivables` where invoices run in the same process."""

    database: Database
    now: Clock
    journal: Journal

    def named(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""
        with self.database.read() as connection:
            return found(InvoiceStore(connection).find(organization, reference), reference)

    def held(self, organization: str, reference: str) -> Invoice:
        """The same, which nobody else pays, voids or changes until the transaction ends; raises InvoiceNotFound."""
        with self.database.write() as connection:
            invoice = found(InvoiceStore(connection).find(organization, reference, lock=True), reference)
            # also where it has been paid before and the answer says so again: who did it may have died before it told
            changes("invoice", [Key(organization, invoice.id).name])
            return invoice

    def settle(self, organization: str, invoice_id: str, settlement: Settlement) -> Invoice:
        """Note money that came in, at most what is due; raises InvoiceNotFound, InvoiceNotOpen."""
        with self.database.write() as connection:
            current = payable(self.held(organization, invoice_id))
            invoice = paid(current, settlement)
            invoice = replace(invoice, version=invoice.version + 1, updated_at=self.now(organization))
            store = InvoiceStore(connection)
            store.save([(current, invoice)])
            store.settle(invoice, settlement)
            self.journal.paid(connection, invoice, settlement, written_off=current.status == UNCOLLECTIBLE)
        return invoice
