"""What is given back and no invoice could bear: credit notes on the invoices that charged it (rules 14 and 18)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import Connection, insert

from farthing.billing.credit_notes.issuing import Decided, Issuing
from farthing.billing.credit_notes.models import credited_days
from farthing.billing.credit_notes.standing import standing_lines
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import OPEN, PAID
from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.crediting import Standing
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Line
from farthing.pricing.totalling import Beyond

REASONS: Mapping[str, str] = {
    "proration": "Days that were paid for and are not used", "late_usage": "Usage that was corrected",
    "commitment": "A commitment that was corrected",
}


@dataclass(frozen=True, slots=True)
class Remaining:
    """What an invoice could not bear; `made_by` is its id, None where it has no line at all and is none."""

    made_by: str | None
    beyond: Sequence[Beyond]


@dataclass(frozen=True, slots=True)
class Left:
    """What may still be given back of the lines that others correct, by identifier; their invoices are held."""

    standing: Mapping[str, Standing]

    def bears(self, line: Line) -> bool:
        """Whether as much is left as a credit gives back: somebody else may have credited meanwhile."""
        if line.corrects is None or line.amount >= ZERO:
            return True
        known = self.standing[line.corrects[1]]
        with exactly():
            tax = known.tax - known.tax_credited - known.tax_corrected if _is_inclusive(line) else ZERO
            return -line.amount <= known.left + tax


def left_of(connection: Connection, organization: str, lines: Sequence[Line]) -> Left:
    """What is left of all that these lines give back of."""
    ids = sorted({line.corrects[0] for line in lines if line.corrects is not None and line.amount < ZERO})
    if not ids:
        return Left({})
    return Left(standing_lines(connection, InvoiceStore(connection).many(organization, ids, lock=True)))


@dataclass(frozen=True, slots=True)
class Noted:
    """The notes that are decided, still without numbers, and what each is for."""

    organization: str
    decided: Sequence[Decided]
    beyond: Sequence[Beyond]


@dataclass(frozen=True, slots=True)
class BeyondInvoices:
    """Makes them in the transaction that finalises: decided before any number is taken, numbered after the invoices."""

    issuing: Issuing

    def decide(
        self, connection: Connection, organization: str, remaining: Sequence[Remaining], now: datetime
    ) -> Noted:
        """One note for each invoice of which something is given back; the caller holds the subscriptions."""
        beyond = [one for each in remaining for one in each.beyond if one.line.corrects is not None]
        if not beyond:
            return Noted(organization, (), ())
        makers = {_corrected(one): each.made_by for each in reversed(remaining) for one in each.beyond}
        ids = sorted({_corrected(one)[0] for one in beyond})
        invoices = InvoiceStore(connection).many(organization, ids, lock=True)
        standing = standing_lines(connection, invoices)
        decided: list[Decided] = []
        for invoice in invoices:
            mine = [one for one in beyond if _corrected(one)[0] == invoice.id]
            amounts = net_amounts(mine, standing, currency(invoice.currency))
            if invoice.status in (OPEN, PAID) and amounts:
                known = {line.id: standing[line.id] for line in invoice.lines}
                made_by = makers[_corrected(mine[0])]
                decided.append(self.issuing.decide(
                    connection, invoice, amounts, REASONS[mine[0].line.reason], now, made_by=made_by, standing=known
                ))
        return Noted(organization, decided, beyond)

    def number(self, connection: Connection, noted: Noted) -> None:
        """Give the notes their numbers, and remember which days they gave back."""
        by_invoice = {note.invoice: note.id for note in self.issuing.number(connection, noted.decided)}
        rows = [
            {
                "organization": noted.organization, "line": line, "credit_note": by_invoice.get(invoice),
                "period_from": one.line.period.start, "period_to": one.line.period.end,
            }
            for one in noted.beyond if one.is_all and one.line.reason == "proration" and one.line.period is not None
            for invoice, line in [_corrected(one)]
        ]
        if rows:
            connection.execute(insert(credited_days), rows)


def _corrected(one: Beyond) -> tuple[str, str]:
    """The invoice and the line that it gives back of."""
    if one.line.corrects is None:
        raise ValueError(f"{one.line.description} corrects no line.")
    return one.line.corrects


def net_amounts(
    beyond: Sequence[Beyond], standing: Mapping[str, Standing], unit: Currency
) -> dict[str, Decimal]:
    """What is given back of each line, net of tax, above zero: never more than is left of it (rule 20).

    Of a line with tax in its price the share is taken of all that was given back so far, so that all of it is all.
    """
    found: dict[str, Decimal] = {}
    with exactly():
        for one in beyond:
            line = _corrected(one)[1]
            was = standing[line]
            whole, back = was.net, was.credited + was.corrected
            amount = one.amount
            if _is_inclusive(one.line) and whole:
                gross = whole + was.tax
                before = was.credited + was.tax_credited + was.corrected + was.tax_corrected
                amount = rounded(Fraction(whole) * Fraction(before + one.amount) / Fraction(gross), unit) - back
            amount = min(amount + found.get(line, ZERO), was.left)
            if amount > ZERO:
                found[line] = amount
    return found


def _is_inclusive(line: Line) -> bool:
    return line.taxed_as is not None and any(rate.inclusive for rate in line.taxed_as.rates)
