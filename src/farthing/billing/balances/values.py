"""What a balance and its entries are, and the refusals about them; amounts in major units of their currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from farthing.billing.invoices.values import Invoice
from farthing.kernel.problems import Conflict
from farthing.pricing.arithmetic import money
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account

# what happened to a balance: money and credit that came in, what invoices took and gave back, money that went out
CREDIT_NOTE: Final = "credit_note"
PAYMENT: Final = "payment"
APPLIED: Final = "applied"
RELEASED: Final = "released"
REFUND: Final = "refund"

Place = tuple[str, str]  # a customer's balance in one currency
Taken = Mapping[str, Mapping[Account, Decimal]]  # what invoices took of each account of credit, by invoice


@dataclass(frozen=True, slots=True)
class Movement:
    """What a balance is to be changed by.

    source   what happened, unique in the organisation: it counts once
    amount   above zero to add, below to take
    invoice  the one that it is about, if there is one
    """

    organization: str
    customer: str
    currency: str
    kind: str
    source: str
    amount: Decimal
    invoice: str | None = None

    @property
    def place(self) -> Place:
        return self.customer, self.currency


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """A change of a balance that was made, and what there was after it."""

    id: str
    movement: Movement
    balance: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Applied:
    """Invoices about to be finalised with the credit that they take, and from which accounts it was taken."""

    invoices: Sequence[Invoice]
    taken: Taken


class BalanceTooLow(Conflict):
    """No more can be taken from a balance than there is (rule 22)."""

    def __init__(self, movement: Movement, balance: Decimal) -> None:
        unit = currency(movement.currency)
        wanted, left = money(movement.amount.copy_abs(), unit), money(balance, unit)
        super().__init__(
            f"The balance of customer {movement.customer} is {left} {unit.code}; {wanted} cannot be taken from it."
        )
