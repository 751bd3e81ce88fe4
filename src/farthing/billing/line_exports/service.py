"""The use case of exporting invoice lines: read page by page, written as it goes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice
from farthing.billing.line_exports.store import IssuedStore, Place
from farthing.billing.line_exports.writing import COLUMNS, cells, row
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.database import Database
from farthing.pricing.calendar import start_of_day

PAGE: Final = 200  # invoices, each with its lines
Moment = date | datetime  # a day begins in the organisation's time zone


@dataclass(frozen=True, slots=True)
class LineExport:
    """Writes the lines of all finalised invoices, however many."""

    database: Database
    organizations: OrganizationBook
    customers: CustomerBook

    def write(
        self, organization: str, customer: str | None, since: Moment | None, before: Moment | None
    ) -> Iterator[bytes]:
        """CSV, a row for each line, in the order of issue, as one moment saw them; raises CustomerNotFound."""
        zone = ZoneInfo(self.organizations.get(organization).timezone)
        owner = self.customers.get(organization, customer).id if customer is not None else None
        yield row(COLUMNS).encode()
        after: Place | None = None
        with self.database.read() as connection:
            store, bounds = IssuedStore(connection), (_instant(since, zone), _instant(before, zone))
            while page := store.page(organization, owner, *bounds, after, PAGE):
                yield from _rows(connection, organization, page, zone)
                last = page[-1]
                after = last.issued_at or last.created_at, last.id


def _rows(connection: Connection, organization: str, page: Sequence[Invoice], zone: ZoneInfo) -> Iterator[bytes]:
    """The lines of some invoices: each with the local days of its subscription, and the number that it corrects."""
    owners = SubscriptionStore(connection).many(
        organization, sorted({one.subscription for one in page if one.subscription is not None})
    )
    corrected = {line.corrects[0] for one in page for line in one.lines if line.corrects is not None}
    numbers = {id: number for id, (number, _) in InvoiceStore(connection).named(organization, corrected).items()}
    for one in page:
        owner = owners.get(one.subscription or "")
        local = zone if owner is None else ZoneInfo(owner.timezone)
        for line in one.lines:
            yield row(cells(one, line, local, numbers)).encode()


def _instant(moment: Moment | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return start_of_day(moment, zone)
