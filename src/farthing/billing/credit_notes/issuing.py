"""Making credit notes inside the transaction of whoever needs one (rules 14, 20, 21 and 22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from farthing.billing.balances.service import Balances
from farthing.billing.balances.values import CREDIT_NOTE, Movement
from farthing.billing.credit_notes.standing import standing_lines
from farthing.billing.credit_notes.store import CreditNoteStore
from farthing.billing.credit_notes.values import (
    AS_PAYMENT,
    CREDIT,
    SERIES,
    CreditNote,
    CreditNoteLine,
    creditable,
    credited_lines,
    with_credit,
)
from farthing.billing.invoices.numbers import Numbers
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice
from farthing.billing.journal.crediting import CreditJournal
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.ids import NewId
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.crediting import Standing, settled


@dataclass(frozen=True, slots=True)
class Decided:
    """A credit note that lacks only its number and the time of its issue.

    deferred  how much of its net was not released yet
    """

    note: CreditNote
    invoice: Invoice
    deferred: Decimal


@dataclass(frozen=True, slots=True)
class Issuing:
    """Credit notes in two steps, because the counters of numbers come last: decide all, and then number them.

    The caller holds the subscriptions and the invoices. Who takes numbers of invoices in the same transaction decides
    before that and numbers after it, so that balances are held before any counter. One note for each invoice and
    transaction.
    """

    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    journal: CreditJournal
    balances: Balances

    def issue(
        self, connection: Connection, invoice: Invoice, amounts: Mapping[str, Decimal], reason: str, now: datetime,
        refund: str = CREDIT, made_by: str | None = None,
    ) -> CreditNote:
        """A credit note of a held invoice, where nothing else is numbered; see `decide`."""
        decided = self.decide(connection, invoice, amounts, reason, now, refund, made_by)
        [note] = self.number(connection, [decided])
        return note

    def decide(
        self, connection: Connection, invoice: Invoice, amounts: Mapping[str, Decimal], reason: str, now: datetime,
        refund: str = CREDIT, made_by: str | None = None, standing: Mapping[str, Standing] | None = None,
    ) -> Decided:
        """Everything but the number: what is due first, then the balance or money; raises NotCreditable, BadCreditNote.

        amounts   net, above zero, by the identifier of the line
        made_by   the invoice whose credits were more than it had, by id (rule 14)
        standing  what is left of its lines, where the caller has looked already
        """
        standing = standing_lines(connection, [invoice]) if standing is None else standing
        lines = credited_lines(creditable(invoice), standing, amounts)
        with exactly():
            total = sum((line.amount + line.tax for line in lines), ZERO)
        to = settled(total, invoice.amount_due, invoice.amount_paid, refund == AS_PAYMENT)
        note = CreditNote(
            self.new_id("crn", now), invoice.organization, "", invoice.id, invoice.number or "", invoice.customer,
            invoice.currency, reason, refund, made_by, to, now, tuple(lines),
        )
        deferred = self._undeferred(connection, invoice, standing, lines, now)
        if to.credited > ZERO:
            source = f"{CREDIT_NOTE}:{note.id}"
            self.balances.add(connection, Movement(
                note.organization, note.customer, note.currency, CREDIT_NOTE, source, to.credited, invoice.id
            ), now)
        return Decided(note, invoice, deferred)

    def number(self, connection: Connection, decided: Sequence[Decided]) -> list[CreditNote]:
        """Give decided notes of one organisation their numbers, in this order, and store all that they change."""
        if not decided:
            return []
        organization = self.organizations.get(decided[0].note.organization)
        series = Numbers(connection, organization.id, organization.timezone)
        numbers, issued_at = series.take(SERIES, len(decided), lambda: self.now(organization.id))
        notes = [one.note.numbered(number, issued_at) for one, number in zip(decided, numbers, strict=True)]
        CreditNoteStore(connection).add(notes)
        changed = [(one.invoice, with_credit(one.invoice, note)) for one, note in zip(decided, notes, strict=True)]
        InvoiceStore(connection).save(changed)
        self.journal.credited(connection, [
            (invoice, note, one.deferred) for (_, invoice), note, one in zip(changed, notes, decided, strict=True)
        ])
        return notes

    def _undeferred(
        self, connection: Connection, invoice: Invoice, standing: Mapping[str, Standing],
        lines: Sequence[CreditNoteLine], now: datetime,
    ) -> Decimal:
        """How much of what is credited was not released yet; it never will be."""
        zone = ""
        if invoice.subscription is not None:
            known = SubscriptionStore(connection).many(invoice.organization, [invoice.subscription])
            zone = known[invoice.subscription].timezone
        more = {line.line: line.amount for line in lines}
        return self.journal.undeferred(connection, invoice, zone, standing, more, now)
