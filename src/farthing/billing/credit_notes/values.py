"""What a credit note is, and the refusals about it; amounts in major units of its currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from farthing.billing.invoices.values import OPEN, PAID, CreditOn, Invoice
from farthing.kernel.problems import Conflict, FieldError, Invalid, NotFound
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.crediting import Settled, Standing, TooMuch, credited
from farthing.pricing.currencies import currency

SERIES: Final = "CRN"
CREDIT, AS_PAYMENT = "credit", "payment"  # where what had been paid goes: to the balance, or back as money


@dataclass(frozen=True, slots=True)
class CreditNoteLine:
    """What is given back of an invoice's line: net after discount, and the tax on it."""

    line: str
    description: str
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class CreditNote:
    """What was given back of a finalised invoice; it never changes (rule 20).

    invoice_number  of the invoice, which people know it by
    refund          where what had been paid was asked to go
    made_by         the invoice that it was made with, whose credits were more than it had (rule 14)
    to              where it went
    """

    id: str
    organization: str
    number: str
    invoice: str
    invoice_number: str
    customer: str
    currency: str
    reason: str
    refund: str
    made_by: str | None
    to: Settled
    issued_at: datetime
    lines: Sequence[CreditNoteLine] = ()

    @property
    def subtotal(self) -> Decimal:
        """What is given back, net."""
        with exactly():
            return sum((line.amount for line in self.lines), ZERO)

    @property
    def tax_total(self) -> Decimal:
        """The tax that is given back with it."""
        with exactly():
            return sum((line.tax for line in self.lines), ZERO)

    @property
    def total(self) -> Decimal:
        """What is given back in all."""
        with exactly():
            return self.subtotal + self.tax_total

    def numbered(self, number: str, issued_at: datetime) -> "CreditNote":
        """The note as it is issued."""
        return replace(self, number=number, issued_at=issued_at)

    @property
    def on_invoice(self) -> CreditOn:
        """The note as its invoice shows it."""
        return CreditOn(self.id, self.number, self.total, self.to, self.issued_at)


def creditable(invoice: Invoice) -> Invoice:
    """The invoice, if credit notes may be made of it; raises NotCreditable."""
    if invoice.status not in (OPEN, PAID):
        raise NotCreditable(
            f"Invoice {invoice.id} is {invoice.status}; only an open or a paid invoice can be credited (rule 20)."
        )
    return invoice


def all_left(invoice: Invoice, standing: Mapping[str, Standing]) -> dict[str, Decimal]:
    """What is left of every line, by its identifier; raises NotCreditable where nothing is."""
    found = {line.id: standing[line.id].left for line in invoice.lines if standing[line.id].left > ZERO}
    if not found:
        raise NotCreditable(f"Invoice {invoice.id} has nothing left that could be credited (rule 20).")
    return found


def credited_lines(
    invoice: Invoice, standing: Mapping[str, Standing], amounts: Mapping[str, Decimal]
) -> list[CreditNoteLine]:
    """The lines of a credit note, in the order of the invoice; raises BadCreditNote (rule 20).

    standing  each line of the invoice with what was given back of it, by identifier
    amounts   net, above zero, by the line's identifier
    """
    unit, errors = currency(invoice.currency), []
    lines: dict[str, CreditNoteLine] = {}
    for place, (id, amount) in enumerate(amounts.items()):
        line = next((one for one in invoice.lines if one.id == id), None)
        if line is None:
            errors.append(FieldError(f"lines[{place}].line", f"is no line of invoice {invoice.id}"))
            continue
        if line.net < ZERO:
            errors.append(FieldError(f"lines[{place}].line", "is a credit itself, which cannot be credited (rule 20)"))
            continue
        try:
            part = credited(standing[id], amount, unit)
        except TooMuch as error:
            left = f"the {money(error.left, unit)} {unit.code} left of the line, net (rule 20)"
            errors.append(FieldError(f"lines[{place}].amount", f"is more than {left}"))
            continue
        lines[id] = CreditNoteLine(id, line.description, part.amount, part.tax)
    if errors:
        raise BadCreditNote(f"{errors[0].field} {errors[0].message}.", errors)
    return [lines[line.id] for line in invoice.lines if line.id in lines]


def with_credit(invoice: Invoice, note: CreditNote) -> Invoice:
    """The invoice once the note is set against it: paid when nothing is due any more (rule 20)."""
    with exactly():
        changed = replace(
            invoice, credit_applied=invoice.credit_applied + note.to.applied + note.to.refunded,
            amount_paid=invoice.amount_paid - note.to.refunded, version=invoice.version + 1,
            updated_at=note.issued_at, credit_notes=(*invoice.credit_notes, note.on_invoice),
        )
    return replace(changed, status=PAID) if changed.amount_due <= ZERO else changed


class CreditNoteNotFound(NotFound):
    """No such credit note in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no credit note {reference[:120]}.")


class NotCreditable(Conflict):
    """The invoice's state leaves nothing to be given back."""


class BadCreditNote(Invalid):
    """Amounts that cannot be given back."""
