"""Finalised invoices in the order in which they were issued, page by page."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice

table = invoices.c
Place = tuple[datetime, str]  # when an invoice was issued, and its id


@dataclass(frozen=True, slots=True)
class IssuedStore:
    connection: Connection

    def page(
        self, organization: str, customer: str | None, since: datetime | None, before: datetime | None,
        after: Place | None, limit: int,
    ) -> list[Invoice]:
        """Those issued from `since` up to but not including `before`, after the given place, voided ones too."""
        at = table.issued_at
        wanted = [table.organization == organization, at.is_not(None)]
        wanted += [table.customer == customer] if customer is not None else []
        wanted += [at >= bindparam("since", since, at.type)] if since is not None else []
        wanted += [at < bindparam("before", before, at.type)] if before is not None else []
        if after is not None:
            moment, id = after
            last = bindparam("last", moment, at.type)
            wanted += [at >= last, (at > last) | (table.id > id)]
        query = select(table.id).where(*wanted).order_by(at, table.id).limit(limit)
        ids = list(self.connection.execute(query).scalars())
        found = {one.id: one for one in InvoiceStore(self.connection).many(organization, ids)}
        return [found[id] for id in ids]
