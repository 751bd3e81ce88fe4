"""Writing the journal: an entry in the transaction of whatever happens to money (rule 22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.invoices.values import Invoice, InvoiceLine
from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import (
    APPLIED,
    INVOICE,
    RELEASE,
    VOID,
    WRITE_OFF,
    DueRelease,
    JournalEntry,
)
from farthing.kernel.ids import NewId
from farthing.pricing.calendar import local_day, start_of_day
from farthing.pricing.currencies import currency
from farthing.pricing.posting import (
    Account,
    Earned,
    Posting,
    applied,
    issued,
    released,
    releases,
    reversed_,
    written_off,
)

UTC_ZONE: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes entries into the transaction that is handed to it; whatever changes no account needs none."""

    new_id: NewId

    def finalized(self, connection: Connection, invoices: Sequence[tuple[Invoice, str]]) -> None:
        """Invoices that were given their numbers, each with its subscription's time zone, "" where it has none."""
        entries: list[JournalEntry] = []
        later: list[DueRelease] = []
        for invoice, timezone in invoices:
            at, zone = issued_at_of(invoice), ZoneInfo(timezone) if timezone else UTC_ZONE
            unit, day = currency(invoice.currency), local_day(at, zone)
            lines = [earned_by(line, zone) for line in invoice.lines]
            entries += self.entry(invoice, INVOICE, "", at, issued(lines, invoice.totals.tax_total, day, unit))
            later += [
                DueRelease(
                    invoice.organization, invoice.id, one.last_day, invoice.customer, invoice.currency, one.amount,
                    month_over(one.last_day, zone),
                )
                for one in releases(lines, day, unit)
            ]
        store = JournalStore(connection)
        store.add(entries)
        store.defer(later)

    def applied(
        self, connection: Connection, invoices: Sequence[tuple[Invoice, Mapping[Account, Decimal]]]
    ) -> None:
        """Credit that invoices took when they were given their numbers, each with the accounts that it came from."""
        JournalStore(connection).add([
            entry for invoice, taken in invoices
            for entry in self.entry(invoice, APPLIED, "", issued_at_of(invoice), applied(taken))
        ])

    def written_off(self, connection: Connection, invoice: Invoice) -> None:
        """An invoice of which what is due is not expected any more, at the moment of its change."""
        postings = written_off(invoice.amount_due)
        JournalStore(connection).add(self.entry(invoice, WRITE_OFF, "", invoice.updated_at, postings))

    def voided(self, connection: Connection, invoice: Invoice) -> None:
        """An invoice that was taken back: the reverse of what it posted and released; it releases no more."""
        store = JournalStore(connection)
        store.drop_releases(invoice.organization, invoice.id)  # waits for a release under way, which is then reversed
        written = store.of_invoice(invoice.organization, invoice.id)
        postings = reversed_(list(chain.from_iterable(one.postings for one in written)))
        store.add(self.entry(invoice, VOID, "", invoice.updated_at, postings))

    def release(self, connection: Connection, organization: str, now: datetime, limit: int) -> int:
        """Release revenue that was deferred and is due, at most so many months of invoices; how many it were."""
        store = JournalStore(connection)
        due = store.due(organization, now, limit)
        made = {(one.organization, one.invoice, one.last_day): self._released(one, now) for one in due}
        store.add(list(made.values()))
        store.mark({place: entry.id for place, entry in made.items()})
        return len(due)

    def _released(self, one: DueRelease, now: datetime) -> JournalEntry:
        return JournalEntry(
            self.new_id("jrn", now), one.organization, f"{RELEASE}:{one.invoice}:{one.last_day.isoformat()}", RELEASE,
            one.customer, one.invoice, None, one.currency, one.last_day, now, released(one.amount),
        )

    def entry(
        self, invoice: Invoice, kind: str, which: str, at: datetime, postings: Sequence[Posting],
        payment: str | None = None,
    ) -> list[JournalEntry]:
        """An entry about an invoice; none when it would change no account."""
        if not postings:
            return []
        day = at.astimezone(ZoneInfo(invoice.seller["timezone"])).date()
        return [JournalEntry(
            self.new_id("jrn", at), invoice.organization, f"{kind}:{which or invoice.id}", kind, invoice.customer,
            invoice.id, payment, invoice.currency, day, at, tuple(postings),
        )]


def issued_at_of(invoice: Invoice) -> datetime:
    """When a finalised invoice was issued."""
    if invoice.issued_at is None:
        raise ValueError(f"Invoice {invoice.id} was not issued.")
    return invoice.issued_at


def earned_by(line: InvoiceLine, zone: ZoneInfo) -> Earned:
    """A line by the local days of its period."""
    if line.period is None:
        return Earned(line.net)
    return Earned(line.net, local_day(line.period.start, zone), local_day(line.period.end, zone))


def month_over(last_day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the last day of a month is over."""
    if last_day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return start_of_day(last_day + timedelta(days=1), zone)
