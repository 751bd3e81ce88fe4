"""Money that comes in and goes back, in the journal (rule 22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.invoices.money import GivenBack, Receipt
from farthing.billing.invoices.values import UNCOLLECTIBLE, Invoice
from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import ON_ACCOUNT, PAYMENT, REFUND, REVERSAL, JournalEntry
from farthing.kernel.ids import NewId
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.posting import Posting, received, reversed_

Moved = Receipt | GivenBack


@dataclass(frozen=True, slots=True)
class MoneyJournal:
    """Writes entries of money into the transaction that is handed to it.

    What is set against an invoice and what is kept on a balance are told apart: an invoice that is voided takes
    back its own entries and no others. The day is the organisation's, by the invoice's snapshot where there is one.
    """

    new_id: NewId

    def received(
        self, connection: Connection, organization: str, timezone: str, at: datetime,
        receipts: Sequence[tuple[Receipt, Invoice | None]],
    ) -> None:
        """Receipts, each with its invoice as it was before."""
        JournalStore(connection).add([
            entry for one, invoice in receipts for entry in (
                *self._entry(organization, timezone, at, one, invoice, PAYMENT, one.payment,
                             received(one.on_invoice, ZERO, _written_off(invoice))),
                *self._entry(organization, timezone, at, one, None, ON_ACCOUNT, one.payment,
                             received(ZERO, one.on_balance)),
            )
        ])

    def given_back(
        self, connection: Connection, organization: str, timezone: str, at: datetime,
        given: Sequence[tuple[GivenBack, Invoice | None]],
    ) -> None:
        """What went back, each with its invoice as it was before."""
        JournalStore(connection).add([
            entry for one, invoice in given for kind in [REVERSAL if one.taken else REFUND] for entry in (
                *self._entry(organization, timezone, at, one, invoice, kind, one.id,
                             reversed_(received(one.from_invoice, ZERO, _written_off(invoice)))),
                *self._entry(organization, timezone, at, one, None, kind, f"{one.id}:balance",
                             reversed_(received(ZERO, one.from_balance))),
            )
        ])

    def _entry(
        self, organization: str, timezone: str, at: datetime, one: Moved, invoice: Invoice | None, kind: str,
        source: str, postings: Sequence[Posting],
    ) -> list[JournalEntry]:
        """An entry; none when it would change no account."""
        if not postings:
            return []
        zone = ZoneInfo(invoice.seller["timezone"] if invoice else timezone)
        return [JournalEntry(
            self.new_id("jrn", at), organization, f"{kind}:{source}", kind, one.customer,
            invoice.id if invoice else None, one.payment, one.currency, at.astimezone(zone).date(), at, postings,
        )]


def _written_off(invoice: Invoice | None) -> bool:
    return invoice is not None and invoice.status == UNCOLLECTIBLE
