"""Reading the books from end to end, page by page."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.invoices.values import Invoice
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.verification.values import organizations_in

PAGE = 500
CHUNK = 100


def every_invoice(connection: Connection, organizations: Sequence[str] | None) -> Iterator[Invoice]:
    """The invoices with their lines and payments, drafts too, by organisation and age."""
    for organization in organizations_in(connection, invoices, organizations):
        after = ""
        while page := InvoiceStore(connection).page(organization, Search(), after, PAGE):
            yield from page
            after = page[-1].id


def billed_subscriptions(connection: Connection, organization: str) -> Iterator[list[Subscription]]:
    """The subscriptions that have invoices, by id, some at a time."""
    mine = (invoices.c.organization == organization) & invoices.c.subscription.is_not(None)
    query = select(invoices.c.subscription).where(mine).distinct().order_by(invoices.c.subscription)
    ids = list(connection.execute(query).scalars())
    for place in range(0, len(ids), CHUNK):
        yield list(SubscriptionStore(connection).many(organization, ids[place : place + CHUNK]).values())
