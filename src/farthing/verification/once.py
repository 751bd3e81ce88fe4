"""I4: nothing is billed twice."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from farthing.app import Farthing
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import VOID
from farthing.verification.values import Broken, organizations_in, streamed

CHARGES = ("usage", "fee")  # other reasons correct one of these and name it


def once(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I4: of invoices that are not void, no two lines bill a subscription's price and group for the same time."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            yield from _of(connection, organization)


def _of(connection: Connection, organization: str) -> Iterator[Broken]:
    line, invoice = invoice_lines.c, invoices.c
    standing = (invoice.organization == organization) & (invoice.status != VOID) & invoice.subscription.is_not(None)
    place = (invoice.subscription, line.price, line.group_values, line.reason)
    query = (
        select(*place, line.period_from, line.period_to, line.id, line.invoice)
        .join(invoices, invoice.id == line.invoice)
        .where(standing, line.reason.in_(CHARGES), line.period_from.is_not(None))
        .order_by(*place, line.period_from, line.period_to)
    )
    before: tuple[object, ...] | None = None
    until: datetime | None = None
    last = ""
    for subscription, price, group, reason, start, end, id, of in streamed(connection, query):
        same = (subscription, price, group, reason)
        if same != before:
            before, until = same, None
        if until is not None and start < until:
            yield Broken(
                organization, id, f"{price} of {subscription} on invoice {of} bills time from {start.isoformat()} on "
                f"that line {last} bills already, up to {until.isoformat()}",
            )
        if until is None or end > until:
            until, last = end, id
