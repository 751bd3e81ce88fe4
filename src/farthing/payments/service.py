"""The use cases of payments."""

from dataclasses import dataclass
from decimal import Decimal

from farthing.billing import Invoice, Receivables, Settlement, payable
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Invalid, NotAvailableYet
from farthing.payments.schemas import PaymentIn
from farthing.payments.store import PaymentStore
from farthing.payments.values import Payment, PaymentNotFound, PaymentReferenceTaken, WrongCurrency
from farthing.pricing.arithmetic import TooManyDecimals, amount_from, money
from farthing.pricing.currencies import currency


@dataclass(frozen=True, slots=True)
class Payments:
    """Receipts of money, each set against its invoice in one transaction."""

    database: Database
    now: Clock
    new_id: NewId
    receivables: Receivables
    customers: CustomerBook

    def record(self, caller: Caller, body: PaymentIn) -> tuple[Payment, bool]:
        """The payment, and whether it is new: the same reference with the same money is one receipt (T19).

        raises InvoiceNotFound, InvoiceNotOpen, WrongCurrency, PaymentReferenceTaken, Invalid, NotAvailableYet
        """
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = PaymentStore(connection)
            invoice = self.receivables.held(caller.organization, body.invoice)
            if body.reference is not None:
                known = store.by_reference(caller.organization, body.method, body.reference)
                if known is not None:
                    return _repeated(known, body, invoice), False
            payment = Payment(
                id=self.new_id("pay", now), organization=caller.organization, invoice=invoice.id,
                customer=invoice.customer, amount=_amount(body, payable(invoice)), currency=body.currency,
                method=body.method, reference=body.reference, received_at=body.received_at or now, created_at=now,
            )
            store.add(payment)
            self.receivables.settle(caller.organization, invoice.id, _settlement(payment))
        return payment, True

    def get(self, organization: str, payment_id: str) -> Payment:
        """Raises PaymentNotFound."""
        with self.database.read() as connection:
            payment = PaymentStore(connection).find(organization, payment_id)
        if payment is None:
            raise PaymentNotFound(payment_id)
        return payment

    def page(self, caller: Caller, customer: str | None, invoice: str | None, listing: Listing) -> Page[Payment]:
        """The payments, oldest first; raises CustomerNotFound, InvoiceNotFound."""
        owner = self.customers.get(caller.organization, customer).id if customer else None
        of_invoice = self.receivables.named(caller.organization, invoice).id if invoice else None
        with self.database.read() as connection:
            store = PaymentStore(connection)
            rows = store.page(caller.organization, owner, of_invoice, listing.position, listing.limit + 1)
        return listing.page(rows, lambda payment: payment.id)


def _settlement(one: Payment) -> Settlement:
    return Settlement(one.id, one.amount, one.currency, one.method, one.reference, one.received_at)


def _repeated(known: Payment, body: PaymentIn, invoice: Invoice) -> Payment:
    if (known.invoice, known.amount, known.currency) != (invoice.id, body.amount, body.currency):
        raise PaymentReferenceTaken(body.method, body.reference)
    return known


def _amount(body: PaymentIn, invoice: Invoice) -> Decimal:
    if body.currency != invoice.currency:
        message = f"must be {invoice.currency}, the invoice's own (rule 23)"
        raise WrongCurrency(f"currency {message}.", [FieldError("currency", message)])
    unit = currency(body.currency)
    try:
        amount = amount_from(format(body.amount, "f"), unit)
    except TooManyDecimals as error:
        raise Invalid(f"amount: {error}", [FieldError("amount", str(error))]) from error
    if amount > invoice.amount_due:
        due = f"{money(invoice.amount_due, unit)} {unit.code}"
        message = f"is more than the {due} due; keeping the rest is not available yet"
        raise NotAvailableYet("Paying more than is due", [FieldError("amount", message)])
    return amount
