"""What credit notes write into the journal, and what they leave to be released (rules 20 and 22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.credit_notes.values import CreditNote
from farthing.billing.invoices.values import Invoice
from farthing.billing.journal.service import UTC_ZONE, Journal, earned_by, issued_at_of, month_over
from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import CREDIT_NOTE, DueRelease
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.calendar import local_day
from farthing.pricing.crediting import Standing, credit_posted, lessened
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Earned


@dataclass(frozen=True, slots=True)
class CreditJournal:
    """Writes entries of credit notes into the transaction that is handed to it."""

    journal: Journal

    def credited(self, connection: Connection, made: Sequence[tuple[Invoice, CreditNote, Decimal]]) -> None:
        """Credit notes that were given their numbers, each with how much of it was deferred still."""
        JournalStore(connection).add([
            entry for invoice, note, deferred in made
            for entry in self.journal.entry(
                invoice, CREDIT_NOTE, note.id, note.issued_at,
                credit_posted(note.subtotal, deferred, note.tax_total, note.to),
            )
        ])

    def undeferred(
        self, connection: Connection, invoice: Invoice, timezone: str, standing: Mapping[str, Standing],
        more: Mapping[str, Decimal], now: datetime,
    ) -> Decimal:
        """Lessen what an invoice has still to release by what is credited of it; how much that is.

        timezone  of its subscription, "" where it has none
        standing  its lines as they were credited before, and `more` of each now
        """
        zone = ZoneInfo(timezone) if timezone else UTC_ZONE
        before, after = _lines(invoice, zone, standing, {}), _lines(invoice, zone, standing, more)
        issued_on = local_day(issued_at_of(invoice), zone)
        less = lessened(before, after, issued_on, currency(invoice.currency))
        store = JournalStore(connection)
        waiting, done = store.releases_of(invoice.organization, invoice.id)  # waits for a release under way
        changed: list[DueRelease] = []
        with exactly():
            for day, amount in less.items():
                due = waiting.get(day) or _nothing(invoice, day, zone)
                if day in waiting or (day not in done and due.due_at > now):
                    changed.append(replace(due, amount=due.amount - amount))
            store.change_releases(invoice.organization, invoice.id, changed)
            return sum((less[one.last_day] for one in changed), ZERO)


def _lines(
    invoice: Invoice, zone: ZoneInfo, standing: Mapping[str, Standing], more: Mapping[str, Decimal]
) -> list[Earned]:
    """The lines as far as credit notes have left them, by the local days over which they are earned."""
    with exactly():
        gone = {id: one.credited + more.get(id, ZERO) for id, one in standing.items()}
        return [replace(earned_by(line, zone), net=line.net - gone[line.id]) for line in invoice.lines]


def _nothing(invoice: Invoice, day: date, zone: ZoneInfo) -> DueRelease:
    """A month of an invoice in which nothing was to be released."""
    due_at = month_over(day, zone)
    return DueRelease(
        invoice.organization, invoice.id, day, invoice.customer, invoice.currency, ZERO, due_at
    )
