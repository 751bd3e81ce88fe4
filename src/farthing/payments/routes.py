"""Payments over HTTP."""

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, created, provided, shown
from farthing.payments.schemas import PaymentIn, PaymentOut, PaymentQuery, RefundIn
from farthing.payments.service import Payments

routes = Routes("payments")


@routes.post("/v1/payments", scope=Scope.WRITE, body=PaymentIn, answer=PaymentOut, status=201)
def create_payment(caller: Caller, body: PaymentIn) -> Answer:
    """Record money received for an invoice or from a customer; the same receipt again changes nothing."""
    payment, new = provided(Payments).record(caller, body)
    shown_payment = PaymentOut.of(payment)
    return created(shown_payment, f"/v1/payments/{payment.id}") if new else Answer(shown_payment, 200)


@routes.get("/v1/payments", scope=Scope.READ, query=PaymentQuery, answer=PaymentOut, paged=True)
def list_payments(caller: Caller, query: PaymentQuery) -> ListShown:
    """The payments, oldest first."""
    place = listing("payments", caller.organization, query.limit, query.after)
    page = provided(Payments).page(caller, query.customer, query.invoice, place)
    return shown(page, PaymentOut.of)


@routes.get("/v1/payments/<payment>", scope=Scope.READ, answer=PaymentOut)
def get_payment(caller: Caller, payment: str) -> PaymentOut:
    """One payment."""
    return PaymentOut.of(provided(Payments).get(caller.organization, payment))


@routes.post("/v1/payments/<payment>/refund", scope=Scope.WRITE, body=RefundIn, answer=PaymentOut)
def refund_payment(caller: Caller, payment: str, body: RefundIn) -> PaymentOut:
    """Give money of a payment back; what of it was set against an invoice is owed again."""
    return PaymentOut.of(provided(Payments).refund(caller, payment, body))
