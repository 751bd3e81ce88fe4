"""From what transfers are used for to the payments that they become."""

from collections.abc import Iterable, Iterator, Mapping

from farthing.billing import Invoice
from farthing.kernel.ids import NewId
from farthing.payments.reconciliations.values import METHOD, Reconciliation, Use
from farthing.payments.values import Payment
from farthing.pricing.arithmetic import ZERO, from_minor, to_minor
from farthing.pricing.currencies import currency

LONGEST_REFERENCE = 255  # characters of a payment's


def as_payments(made: Reconciliation, use: Use, new_id: NewId) -> Iterator[Payment]:
    """A payment for each invoice; what is more than is due stays with the last, or is one of its own.

    Each is unique by its transfer and invoice until it is reversed: the database refuses a second.
    """
    one, unit = use.transaction, currency(use.transaction.currency)
    amounts: list[tuple[str | None, str, int]] = [(part.invoice, part.customer, part.amount) for part in use.parts]
    amounts = amounts or [(None, use.customer, 0)]
    for number, (invoice, customer, amount) in enumerate(amounts, start=1):
        rest = use.rest if number == len(amounts) else 0
        yield Payment(
            id=new_id("pay", made.created_at), organization=made.organization, invoice=invoice, customer=customer,
            amount=from_minor(amount + rest, unit), on_invoice=from_minor(amount, unit),
            on_balance=from_minor(rest, unit), refunded=ZERO, currency=unit.code, method=METHOD,
            reference=one.reference[:LONGEST_REFERENCE] or None, receipt=f"{one.id}:{invoice or customer}",
            received_at=one.booked_at, created_at=made.created_at, bank_transaction=one.id, reconciliation=made.id,
        )


def still_due(invoices: Iterable[Invoice]) -> Mapping[str, int]:
    """What is due on invoices that are held, in minor units, by identifier; of open ones only."""
    return {
        one.id: to_minor(one.amount_due, currency(one.currency)) for one in invoices if one.status == "open"
    }
