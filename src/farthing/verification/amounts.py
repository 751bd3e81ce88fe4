"""I5: the figures of every invoice."""

from collections.abc import Iterator, Sequence

from farthing.app import Farthing
from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.values import OPEN, PAID, Invoice
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.verification.credit import credit_applied_holds, credit_notes_hold
from farthing.verification.reading import every_invoice
from farthing.verification.values import Broken, organizations_in


def sums(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I5: the identities of rule 19 in every invoice, what was paid in its payments, and what was given back."""
    with farthing.database.read() as connection:
        for invoice in every_invoice(connection, organizations):
            for problem in wrong(invoice):
                yield Broken(invoice.organization, invoice.number or invoice.id, problem)
        for organization in organizations_in(connection, invoices, organizations):
            yield from credit_notes_hold(connection, organization)
            yield from credit_applied_holds(connection, organization)


def wrong(one: Invoice) -> Iterator[str]:
    """What does not hold of an invoice's figures; those of a row are in whole minor units, so decimals always do."""
    figures = one.totals
    with exactly():
        lines = sum((line.amount for line in one.lines), ZERO)
        if lines != figures.subtotal:
            yield f"the subtotal {figures.subtotal} is not the sum of the lines, {lines}"
        for name, found, of_lines in (
            ("discount", figures.discount_total, [line.discount for line in one.lines]),
            ("tax", figures.tax_total, [line.tax for line in one.lines]),
            ("tax", figures.tax_total, [tax.amount for tax in one.taxes]),
        ):
            if found != sum(of_lines, ZERO):
                yield f"the {name} {found} is not the sum of its parts, {sum(of_lines, ZERO)}"
        total = figures.subtotal - figures.discount_total + figures.tax_total
        if total != figures.total:
            yield f"the total {figures.total} is not subtotal less discounts plus tax, {total}"
        payments = sum((each.amount - each.refunded for each in one.settlements), ZERO)
        kept = payments - sum((each.to.refunded for each in one.credit_notes), ZERO)
        if kept != one.amount_paid:
            yield f"what is paid, {one.amount_paid}, is not the sum of the payments less what was given back, {kept}"
        if one.amount_due < ZERO:
            yield f"the amount due, {one.amount_due}, is below zero"
        if (one.status == OPEN and one.amount_due <= ZERO) or (one.status == PAID and one.amount_due > ZERO):
            yield f"the invoice is {one.status} with {one.amount_due} due"
