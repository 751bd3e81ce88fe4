"""What a one-off charge is, and the refusals about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.kernel.problems import Conflict, Invalid, NotFound
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, one_off_line

WAITING, BILLED = "waiting", "billed"


@dataclass(frozen=True, slots=True)
class Charge:
    """A line that waits for the customer's next invoice, in major units of the customer's currency.

    invoice  the draft or invoice on which it stands; None while it waits
    """

    id: str
    organization: str
    customer: str
    description: str
    quantity: Decimal
    unit_amount: Decimal
    amount: Decimal
    currency: str
    tax_code: str | None
    invoice: str | None
    version: int
    created_at: datetime

    @property
    def status(self) -> str:
        return WAITING if self.invoice is None else BILLED

    @property
    def line(self) -> Line:
        """Its line on an invoice, as entered."""
        unit = currency(self.currency)
        return one_off_line(self.description, self.quantity, self.unit_amount, unit, self.tax_code, self.id)


class ChargeNotFound(NotFound):
    """No such charge in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no charge {reference[:120]}.")


class ChargeBilled(Conflict):
    """What stands on an invoice is taken off by deleting or voiding that (rules 20 and 26)."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(
            f"Charge {charge.id} stands on invoice {charge.invoice}; only one that waits can be deleted (rule 26)."
        )


class BadCharge(Invalid):
    """A charge that makes no lawful line of the customer's invoice."""
