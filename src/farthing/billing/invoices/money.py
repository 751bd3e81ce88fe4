"""Money that comes in and goes back, as payments tell it; amounts in major units of its currency (rule 22)."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from farthing.billing.invoices.values import OPEN, PAID, Invoice, Settlement
from farthing.kernel.problems import Conflict
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.currencies import currency
from farthing.pricing.transfers import Owed


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money received from a customer: what of it is set against an invoice, and what is kept on the balance."""

    payment: str
    customer: str
    currency: str
    invoice: str | None
    on_invoice: Decimal
    on_balance: Decimal
    method: str
    reference: str | None
    received_at: datetime

    @property
    def settlement(self) -> Settlement:
        """Its part for the invoice."""
        return Settlement(
            self.payment, self.on_invoice, self.currency, self.method, self.reference, self.received_at
        )


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Money of a payment that goes back to where it came from.

    id     unique in the organisation: it counts once
    taken  whether the payment was a mistake of ours, which is told as taken back
    """

    id: str
    payment: str
    customer: str
    currency: str
    invoice: str | None
    from_invoice: Decimal
    from_balance: Decimal
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Receivable:
    """An invoice as matching sees it, and whom it was written to."""

    owed: Owed
    buyer: str


def unpaid(invoice: Invoice, payment: str, amount: Decimal) -> Invoice:
    """The invoice with so much of a payment given back, open again for that; raises PaidBack."""
    if amount > invoice.amount_paid:
        raise PaidBack(invoice, amount)
    with exactly():
        settlements = tuple(
            replace(one, refunded=one.refunded + amount) if one.payment == payment else one
            for one in invoice.settlements
        )
        changed = replace(invoice, amount_paid=invoice.amount_paid - amount, settlements=settlements)
    return replace(changed, status=OPEN) if changed.status == PAID and changed.amount_due > ZERO else changed


class PaidBack(Conflict):
    """What credit notes gave back of an invoice's payments cannot be given back again (rule 20)."""

    def __init__(self, invoice: Invoice, amount: Decimal) -> None:
        unit = currency(invoice.currency)
        left, wanted = money(invoice.amount_paid, unit), money(amount, unit)
        super().__init__(
            f"Invoice {invoice.number} has {left} {unit.code} of its payments left, the rest was given back; "
            f"{wanted} cannot be."
        )
