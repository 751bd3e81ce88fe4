"""Writing invoices off: what is due on them is not expected any more (rules 20 and 22)."""

from dataclasses import dataclass, replace

from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import UNCOLLECTIBLE, Invoice, doubtful, found
from farthing.billing.journal.service import Journal
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database


@dataclass(frozen=True, slots=True)
class WritingOff:
    """The use case of giving an open invoice up; money that comes in for it all the same is taken."""

    database: Database
    now: Clock
    journal: Journal

    def write_off(self, caller: Caller, reference: str) -> Invoice:
        """Raises InvoiceNotFound, InvoiceNotOpen."""
        with self.database.write() as connection:
            store = InvoiceStore(connection)
            current = doubtful(found(store.find(caller.organization, reference, lock=True), reference))
            invoice = replace(
                current, status=UNCOLLECTIBLE, version=current.version + 1, updated_at=self.now(caller.organization)
            )
            store.save([(current, invoice)])
            self.journal.written_off(connection, invoice)
        return invoice
