"""Where finished answers about invoices come from."""

from dataclasses import dataclass

from farthing.billing.invoices.schemas import InvoiceOut
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import found
from farthing.kernel.cache.values import Kept, Key
from farthing.kernel.database import Database
from farthing.kernel.web import rendered


@dataclass(frozen=True, slots=True)
class InvoiceSource:
    """Invoices as `GET /v1/invoices/{id}` shows them, from the store."""

    database: Database

    def identify(self, organization: str, reference: str) -> str | None:
        """The id of the invoice with this number, which keeps it for good."""
        with self.database.read() as connection:
            return InvoiceStore(connection).id_of(organization, reference)

    def load(self, key: Key) -> Kept:
        """Raises InvoiceNotFound."""
        with self.database.read() as connection:
            invoice = found(InvoiceStore(connection).find(key.organization, key.id), key.id)
        return Kept(rendered(InvoiceOut.of(invoice)), invoice.version)

    def version(self, key: Key) -> int | None:
        with self.database.read() as connection:
            return InvoiceStore(connection).version_of(key.organization, key.id)
