"""Reading the books from end to end, page by page."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.invoices.values import Invoice
from farthing.verification.values import organizations_in

PAGE = 500


def every_invoice(connection: Connection, organizations: Sequence[str] | None) -> Iterator[Invoice]:
    """The invoices with their lines and payments, drafts too, by organisation and age."""
    for organization in organizations_in(connection, invoices, organizations):
        after = ""
        while page := InvoiceStore(connection).page(organization, Search(), after, PAGE):
            yield from page
            after = page[-1].id
