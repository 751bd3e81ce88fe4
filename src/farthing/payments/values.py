"""What a payment is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.kernel.problems import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received, in major units of its currency."""

    id: str
    organization: str
    invoice: str
    customer: str
    amount: Decimal
    currency: str
    method: str
    reference: str | None
    received_at: datetime
    created_at: datetime


class PaymentNotFound(NotFound):
    """No such payment in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no payment {reference[:120]}.")


class PaymentReferenceTaken(Conflict):
    """One reference of a method belongs to one receipt of money."""

    def __init__(self, method: str, reference: str | None) -> None:
        super().__init__(f"The reference {reference} of {method} already belongs to another payment.")


class WrongCurrency(Invalid):
    """An invoice is paid in its own currency (rule 23)."""
