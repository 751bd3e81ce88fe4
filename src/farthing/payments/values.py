"""What a payment is, and the refusals about it; amounts in major units of its currency."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from farthing.billing import GivenBack, Receipt
from farthing.kernel.problems import Conflict, FieldError, Invalid, NotFound
from farthing.pricing.arithmetic import ZERO, exactly, money
from farthing.pricing.currencies import currency


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of a payment that was given back: from the invoice, which is owed it again, and from the balance."""

    id: str
    payment: str
    from_invoice: Decimal
    from_balance: Decimal
    reason: str | None
    created_at: datetime

    @property
    def amount(self) -> Decimal:
        with exactly():
            return self.from_invoice + self.from_balance


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received: `amount` is on the invoice, on the customer's balance, or given back.

    receipt           what it is unique by among payments of its method
    bank_transaction  the transfer that it was, and the reconciliation that matched that
    """

    id: str
    organization: str
    invoice: str | None
    customer: str
    amount: Decimal
    on_invoice: Decimal
    on_balance: Decimal
    refunded: Decimal
    currency: str
    method: str
    reference: str | None
    receipt: str | None
    received_at: datetime
    created_at: datetime
    bank_transaction: str | None = None
    reconciliation: str | None = None
    reversed_at: datetime | None = None
    refunds: tuple[Refund, ...] = ()

    @property
    def status(self) -> str:
        if self.reversed_at is not None:
            return "reversed"
        return "refunded" if self.refunded == self.amount else "received"

    @property
    def left(self) -> Decimal:
        """What was not given back."""
        with exactly():
            return self.amount - self.refunded

    @property
    def received(self) -> Receipt:
        """The same as billing takes it in."""
        return Receipt(
            self.id, self.customer, self.currency, self.invoice, self.on_invoice, self.on_balance, self.method,
            self.reference, self.received_at,
        )

    def given_back(self, refund: Refund) -> "Payment":
        """The payment less what was given back of it."""
        with exactly():
            return replace(
                self, on_invoice=self.on_invoice - refund.from_invoice,
                on_balance=self.on_balance - refund.from_balance, refunded=self.refunded + refund.amount,
                refunds=(*self.refunds, refund),
            )

    def giving_back(self, refund: Refund, taken: bool = False) -> GivenBack:
        """The same as billing takes it out; `taken` for a payment that was a mistake."""
        return GivenBack(
            refund.id, self.id, self.customer, self.currency, self.invoice, refund.from_invoice, refund.from_balance,
            taken,
        )


def refund_of(
    payment: Payment, amount: Decimal, spendable: Decimal, id: str, reason: str | None, at: datetime
) -> Refund:
    """How an amount is given back: what of the payment lies on the balance first, then from the invoice.

    spendable  what there is on the customer's balance
    raises     NothingLeft, RefundTooHigh; BalanceSpent where what was on the balance is there no more
    """
    unit = currency(payment.currency)
    if payment.left == ZERO:
        raise NothingLeft(payment)
    if amount > payment.left:
        message = f"is more than the {money(payment.left, unit)} {unit.code} left of the payment"
        raise RefundTooHigh(f"amount {message}.", [FieldError("amount", message)])
    from_balance = min(amount, payment.on_balance, spendable)
    with exactly():
        from_invoice = amount - from_balance
    if from_invoice > payment.on_invoice:
        raise BalanceSpent(payment, spendable)
    return Refund(id, payment.id, from_invoice, from_balance, reason, at)


class PaymentNotFound(NotFound):
    """No such payment in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no payment {reference[:120]}.")


class PaymentReferenceTaken(Conflict):
    """One reference of a method belongs to one receipt of money."""

    def __init__(self, method: str, reference: str | None) -> None:
        super().__init__(f"The reference {reference} of {method} already belongs to another payment.")


class WrongCurrency(Invalid):
    """An invoice is paid in its own currency, and a customer has money in its own (rule 23)."""


class RefundTooHigh(Invalid):
    """No more of a payment can be given back than is left of it (rule 22)."""


class NothingLeft(Conflict):
    """A payment that was given back is given back once."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(f"Payment {payment.id} is {payment.status}; nothing of it is left to be given back.")


class BalanceSpent(Conflict):
    """What went to the balance and was used since cannot be given back (rule 22)."""

    def __init__(self, payment: Payment, spendable: Decimal) -> None:
        unit = currency(payment.currency)
        put, left = money(payment.on_balance, unit), money(spendable, unit)
        super().__init__(
            f"{put} {unit.code} of payment {payment.id} went to the balance of customer {payment.customer}, "
            f"on which {left} is left: the rest was used since."
        )
