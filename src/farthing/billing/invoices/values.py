"""What an invoice is, and the refusals about it; amounts in major units of its currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Conflict, Invalid, NotFound
from farthing.pricing.arithmetic import ZERO, exactly, plain
from farthing.pricing.calendar import Period
from farthing.pricing.crediting import Settled
from farthing.pricing.discounts import GRANTED
from farthing.pricing.invoicing import Discount, Line, Totals
from farthing.pricing.rating import Group
from farthing.pricing.taxes import Tax

DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = "draft", "open", "paid", "void", "uncollectible"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line as it is stored: the pricing line with an identifier of its own, net of tax.

    entered  the amount as it was rated or written, with tax in it where its rates are inclusive
    """

    id: str
    description: str
    price: str | None
    group_by: tuple[str, ...]
    group: Group
    period: Period | None
    quantity: str  # canonical decimal text
    unit_amount: Decimal | None
    amount: Decimal
    reason: str
    tax_code: str | None = None
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_rates: tuple[str, ...] = ()
    discounts: tuple[Discount, ...] = ()
    entered: Decimal | None = None
    prorated: tuple[int, int] | None = None  # days it is for, and those of the full period, where it is for fewer
    corrects: tuple[str, str] | None = None  # the invoice and line that it corrects
    terms: str | None = None  # what it was priced by, where not by what its subscription began with
    charge: str | None = None  # that it bills

    @property
    def net(self) -> Decimal:
        """What is left of it after discounts, before tax."""
        with exactly():
            return self.amount - self.discount

    @property
    def mark(self) -> tuple[object, ...]:
        """What tells it from the other lines of its invoice (rule 25)."""
        return self.price, self.group, self.period, self.reason, self.corrects, self.charge

    @classmethod
    def of(cls, id: str, line: Line) -> "InvoiceLine":
        return cls(
            id, line.description, line.price, line.group_by, line.group, line.period, plain(line.quantity),
            line.unit_amount, line.amount, line.reason, line.tax_code, line.discount, line.tax, line.tax_rates,
            line.discounts, line.entered, line.prorated, line.corrects, line.terms, line.charge,
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """Money that came in for an invoice; `refunded` is what of it was given back since."""

    payment: str
    amount: Decimal
    currency: str
    method: str
    reference: str | None
    received_at: datetime
    refunded: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class CreditOn:
    """A credit note as its invoice shows it; `to` is where its total went."""

    id: str
    number: str
    total: Decimal
    to: Settled
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """A demand for money: a draft until it has a number, then fixed but for its status and payments (rule 20).

    buyer, seller     the parties as they were when it was drafted or finalised
    taxes             what each rate comes to, as it was then
    boundary          the subscription's moment it belongs to (rule 25); None for a one-off invoice
    position          the sequence up to which it counted usage (rule 18); None for a one-off invoice
    change            of its subscription by number, where it is that change's own invoice (rule 14)
    late              what came after its subscription's last boundary, which this one has too (rule 25)
    forgiven          voided, and what it billed is not to be billed again (rule 20)
    """

    id: str
    organization: str
    number: str | None
    status: str
    customer: str
    buyer: Mapping[str, Any]  # Any: JSON
    seller: Mapping[str, Any]  # Any: JSON
    subscription: str | None
    currency: str
    boundary: datetime | None
    period: Period | None
    issued_at: datetime | None
    due_at: datetime | None
    payment_terms_days: int
    totals: Totals
    credit_applied: Decimal
    amount_paid: Decimal
    position: int | None
    bill_run: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    lines: Sequence[InvoiceLine] = ()
    settlements: Sequence[Settlement] = field(default=())
    taxes: Sequence[Tax] = field(default=())
    credit_notes: Sequence[CreditOn] = field(default=())
    change: int | None = None
    forgiven: bool = False
    late: bool = False

    @property
    def amount_due(self) -> Decimal:
        """What is still owed: total less credit less payments."""
        with exactly():
            return self.totals.total - self.credit_applied - self.amount_paid

    @property
    def place(self) -> tuple[str, datetime] | None:
        """The subscription and the boundary that it bills; None when its lines were written by hand."""
        if self.subscription is None or self.boundary is None:
            return None
        return self.subscription, self.boundary

    @property
    def billed_as(self) -> str | None:
        """What it is unique by until it is voided: the subscription with its boundary or change (rule 25)."""
        if self.subscription is None or self.status == VOID:
            return None
        if self.change is not None:
            return f"{self.subscription}#{self.change}"
        if self.boundary is None:
            return None
        later = f"+{self.position}" if self.late else ""
        return f"{self.subscription}@{instant_text(self.boundary)}{later}"

    @property
    def coupons(self) -> frozenset[str]:
        """What it was given that took something from it, by identifier; nothing once it is void (rule 20)."""
        if self.status == VOID:
            return frozenset()
        taken = (discount.coupon for line in self.lines for discount in line.discounts)
        return frozenset(coupon for coupon in taken if coupon != GRANTED)

    @property
    def granted_credit(self) -> Decimal:
        """What granted credit takes from its lines as entered (rule 28)."""
        with exactly():
            parts = (each for line in self.lines for each in line.discounts if each.coupon == GRANTED)
            return sum((each.amount for each in parts), ZERO)

    @property
    def charges(self) -> frozenset[str]:
        """The one-off charges that its lines bill, by identifier."""
        return frozenset(line.charge for line in self.lines if line.charge is not None)

    @property
    def tax_rates(self) -> frozenset[str]:
        """The rates that its lines have, by identifier."""
        return frozenset(rate for line in self.lines for rate in line.tax_rates)


def found(invoice: Invoice | None, reference: str) -> Invoice:
    """The invoice that was looked for; raises InvoiceNotFound."""
    if invoice is None:
        raise InvoiceNotFound(reference)
    return invoice


def numbered(draft: Invoice, number: str, issued_at: datetime) -> Invoice:
    """The draft made owed; with nothing due it is paid at once (rule 26)."""
    due_at = draft.due_at or issued_at + timedelta(days=draft.payment_terms_days)
    issued = replace(draft, number=number, issued_at=issued_at, due_at=due_at, status=OPEN)
    return replace(issued, status=PAID) if issued.amount_due <= ZERO else issued


def paid(invoice: Invoice, settlement: Settlement) -> Invoice:
    """The open or written-off invoice with this money against it, paid once nothing is due."""
    with exactly():
        amount = invoice.amount_paid + settlement.amount
    changed = replace(invoice, amount_paid=amount, settlements=(*invoice.settlements, settlement))
    return replace(changed, status=PAID) if changed.amount_due <= ZERO else changed


def payable(invoice: Invoice) -> Invoice:
    """The invoice, if money may be set against it; raises InvoiceNotOpen."""
    if invoice.status not in (OPEN, UNCOLLECTIBLE):
        raise InvoiceNotOpen(f"Invoice {invoice.id} is {invoice.status}; only an open invoice takes payments.")
    return invoice


def doubtful(invoice: Invoice) -> Invoice:
    """The invoice, if it may be written off; raises InvoiceNotOpen."""
    if invoice.status != OPEN:
        raise InvoiceNotOpen(f"Invoice {invoice.id} is {invoice.status}; only an open invoice can be written off.")
    return invoice


def still_draft(invoice: Invoice, what: str) -> Invoice:
    """What can be changed, deleted or finalised; raises InvoiceNotDraft.

    what  is to be done with it, as a participle
    """
    if invoice.status != DRAFT:
        raise InvoiceNotDraft(invoice, what)
    return invoice


def voidable(invoice: Invoice) -> Invoice:
    """The invoice, if it may be voided (rule 20); raises InvoiceNotOpen."""
    if invoice.status not in (OPEN, PAID) or invoice.amount_paid > ZERO:
        state = "has payments" if invoice.amount_paid > ZERO else f"is {invoice.status}"
        raise InvoiceNotOpen(
            f"Invoice {invoice.id} {state}; only a finalised invoice with nothing paid can be voided (rule 20)."
        )
    return invoice


class InvoiceNotFound(NotFound):
    """No such invoice in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no invoice {reference[:120]}.")


class LineNotFound(NotFound):
    """No such line on this invoice."""


class InvoiceNotDraft(Conflict):
    """A finalised invoice never changes but for its payments and status (rule 20)."""

    def __init__(self, invoice: Invoice, what: str) -> None:
        super().__init__(f"Invoice {invoice.id} is {invoice.status}; only a draft can be {what} (rule 20).")


class InvoiceCorrected(Conflict):
    """Something was built on an invoice that voiding it would take away (rule 20)."""

    def __init__(self, invoice: Invoice, why: str) -> None:
        super().__init__(f"Invoice {invoice.id} cannot be voided: {why} (rule 20).")


class InvoiceNotOpen(Conflict):
    """The invoice's status does not allow this."""


class Unbillable(Conflict):
    """A draft that cannot be rated or would be unsound; the message says why."""


class BadInvoice(Invalid):
    """One-off lines that make no lawful invoice."""
