"""The use cases of payments."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from farthing.billing import Invoice, Receivables, payable
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid
from farthing.payments.schemas import PaymentIn, RefundIn
from farthing.payments.store import PaymentStore
from farthing.payments.values import Payment, PaymentNotFound, PaymentReferenceTaken, WrongCurrency, refund_of
from farthing.pricing.arithmetic import ZERO, TooManyDecimals, amount_from, exactly
from farthing.pricing.currencies import currency


@dataclass(frozen=True, slots=True)
class Payments:
    """Receipts of money, each set against its invoice and its customer's balance in one transaction."""

    database: Database
    now: Clock
    new_id: NewId
    receivables: Receivables
    customers: CustomerBook

    def record(self, caller: Caller, body: PaymentIn) -> tuple[Payment, bool]:
        """The payment, and whether it is new: the same reference with the same money is one receipt (T19).

        What is more than is due, and what is for no invoice, goes to the customer's balance.
        raises InvoiceNotFound, InvoiceNotOpen, CustomerNotFound, WrongCurrency, PaymentReferenceTaken, Invalid
        """
        _check_one_is_named(body)
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = PaymentStore(connection)
            invoice = None if body.invoice is None else self.receivables.held(caller.organization, body.invoice)
            customer = invoice.customer if invoice else self._payer(caller.organization, body)
            if body.reference is not None:
                known = store.by_receipt(caller.organization, body.method, body.reference)
                if known is not None:
                    return _repeated(known, body, invoice, customer), False
            payment = self._made(caller.organization, body, invoice, customer, now)
            store.add([payment])
            self.receivables.receive(caller.organization, [payment.received])
        return payment, True

    def refund(self, caller: Caller, payment_id: str, body: RefundIn) -> Payment:
        """Give money of a payment back: what lies on the balance first, then from its invoice (rule 22).

        raises PaymentNotFound, NothingLeft, RefundTooHigh, BalanceSpent, PaidBack
        """
        organization, now = caller.organization, self.now(caller.organization)
        invoice = self.get(organization, payment_id).invoice
        with self.database.write() as connection:
            if invoice is not None:
                self.receivables.held(organization, invoice)  # before the payment, in the order of everybody
            store = PaymentStore(connection)
            payment = _found(store.find(organization, payment_id, lock=True), payment_id)
            amount = payment.left if body.amount is None else _amount(body.amount, payment.currency)
            spendable = ZERO
            if payment.on_balance > ZERO:
                spendable = self.receivables.balance(organization, payment.customer, payment.currency)
            refund = refund_of(payment, amount, spendable, self.new_id("rfd", now), body.reason, now)
            changed = payment.given_back(refund)
            store.refund([(changed, refund)])
            self.receivables.give_back(organization, [payment.giving_back(refund)])
        return changed

    def get(self, organization: str, payment_id: str) -> Payment:
        """Raises PaymentNotFound."""
        with self.database.read() as connection:
            return _found(PaymentStore(connection).find(organization, payment_id), payment_id)

    def page(self, caller: Caller, customer: str | None, invoice: str | None, listing: Listing) -> Page[Payment]:
        """The payments, oldest first; raises CustomerNotFound, InvoiceNotFound."""
        owner = self.customers.get(caller.organization, customer).id if customer else None
        of_invoice = self.receivables.named(caller.organization, invoice).id if invoice else None
        with self.database.read() as connection:
            store = PaymentStore(connection)
            rows = store.page(caller.organization, owner, of_invoice, listing.position, listing.limit + 1)
        return listing.page(rows, lambda payment: payment.id)

    def _payer(self, organization: str, body: PaymentIn) -> str:
        """Who pays on account, in its own currency; raises CustomerNotFound, WrongCurrency."""
        customer = self.receivables.payer(organization, body.customer or "")
        check_currency(body.currency, customer.currency, "the customer's own")
        return customer.id

    def _made(
        self, organization: str, body: PaymentIn, invoice: Invoice | None, customer: str, now: datetime
    ) -> Payment:
        amount, on_invoice = _amount(body.amount, body.currency), ZERO
        if invoice is not None:
            check_currency(body.currency, payable(invoice).currency, "the invoice's own")
            on_invoice = min(amount, invoice.amount_due)
        with exactly():
            on_balance = amount - on_invoice
        return Payment(
            id=self.new_id("pay", now), organization=organization, invoice=invoice.id if invoice else None,
            customer=customer, amount=amount, on_invoice=on_invoice, on_balance=on_balance, refunded=ZERO,
            currency=body.currency, method=body.method, reference=body.reference, receipt=body.reference,
            received_at=body.received_at or now, created_at=now,
        )


def check_currency(given: str, own: str, whose: str) -> None:
    """Raises WrongCurrency unless the two are the same (rule 23)."""
    if given != own:
        message = f"must be {own}, {whose} (rule 23)"
        raise WrongCurrency(f"currency {message}.", [FieldError("currency", message)])


def _check_one_is_named(body: PaymentIn) -> None:
    if (body.invoice is None) == (body.customer is None):
        message = "is required, unless customer is named" if body.invoice is None else "cannot be named with customer"
        raise Invalid(f"invoice {message}.", [FieldError("invoice", message)])


def _found(payment: Payment | None, reference: str) -> Payment:
    if payment is None:
        raise PaymentNotFound(reference)
    return payment


def _repeated(known: Payment, body: PaymentIn, invoice: Invoice | None, customer: str) -> Payment:
    said = (invoice.id if invoice else None, customer, body.amount, body.currency)
    if (known.invoice, known.customer, known.amount, known.currency) != said:
        raise PaymentReferenceTaken(body.method, body.reference)
    return known


def _amount(amount: Decimal, code: str) -> Decimal:
    """In its currency's own decimals; raises Invalid."""
    try:
        return amount_from(format(amount, "f"), currency(code))
    except TooManyDecimals as error:
        raise Invalid(f"amount: {error}", [FieldError("amount", str(error))]) from error
