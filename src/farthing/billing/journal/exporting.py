"""The use case of exporting the journal: read page by page, written as it goes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.invoices.numbers import series_reports
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.writing import FORMATS, Told
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.database import Database
from farthing.pricing.calendar import local_day

PAGE: Final = 500
GONE: Final[Mapping[str, Any]] = {"key": None, "name": ""}  # Any: JSON
Moment = date | datetime  # an instant means its day in the organisation's time zone


@dataclass(frozen=True, slots=True)
class JournalExport:
    """Writes the whole journal of an organisation, however long it is."""

    database: Database
    organizations: OrganizationBook
    customers: CustomerBook

    def write(self, organization: str, format: str, since: Moment | None, before: Moment | None) -> Iterator[bytes]:
        """The entries of the accounting days from `since` up to but not including `before`, as one moment saw them.

        It ends with what is missing in the series of numbers, all of them.
        """
        seller = self.organizations.get(organization)
        zone = ZoneInfo(seller.timezone)
        _, written = FORMATS[format]
        with self.database.read() as connection:
            entries = self._told(connection, organization, _day(since, zone), _day(before, zone))
            reports = series_reports(connection, organization)
            for text in written(entries, seller.legal_name or seller.name, reports):
                yield text.encode()

    def _told(
        self, connection: Connection, organization: str, since: date | None, before: date | None
    ) -> Iterator[Told]:
        after = ("", "")
        while page := JournalStore(connection).page(organization, since, before, after, PAGE):
            invoices = {one.invoice for one in page if one.invoice is not None}
            named = InvoiceStore(connection).named(organization, invoices)
            others = self._named(organization, {one.customer for one in page if one.invoice is None})
            for one in page:
                known = others.get(one.customer, GONE) if one.invoice is None else GONE
                number, buyer = named.get(one.invoice or "", (one.invoice or "", known))  # a damaged store too
                yield Told(one, number, buyer["key"], buyer["name"])
            after = (page[-1].day.isoformat(), page[-1].id)

    def _named(self, organization: str, customers: Collection[str]) -> Mapping[str, Mapping[str, Any]]:  # Any: JSON
        """What customers are called of whose money no invoice tells."""
        found = self.customers.many(organization, customers) if customers else {}
        return {id: {"key": one.key, "name": one.name} for id, one in found.items()}


def _day(moment: Moment | None, zone: ZoneInfo) -> date | None:
    return local_day(moment, zone) if isinstance(moment, datetime) else moment
