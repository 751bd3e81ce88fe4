"""Holding an invoice, in the order in which everybody does: its subscription first."""

from sqlalchemy import Connection

from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice, found
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription


def held_invoice(connection: Connection, organization: str, reference: str) -> tuple[Subscription | None, Invoice]:
    """An invoice and whose it is, both held: the subscription first, as bill runs do. Raises InvoiceNotFound."""
    store = InvoiceStore(connection)
    subscription = store.subscription_of(organization, reference)
    owner = None
    if subscription is not None:
        owner = SubscriptionStore(connection).many(organization, [subscription], lock=True)[subscription]
    return owner, found(store.find(organization, reference, lock=True), reference)
