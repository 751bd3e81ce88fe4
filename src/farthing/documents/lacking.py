"""What EN 16931 asks of an invoice and this one lacks; pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from farthing.billing import Invoice, Issued
from farthing.kernel.problems import FieldError, Invalid
from farthing.pricing.currencies import currency
from farthing.pricing.taxes import OUTSIDE

MOST_DECIMALS: Final = 2  # of an amount (BR-DEC)
BETWEEN_TAXABLE: Final = ("AE", "K")  # categories in which the buyer's number is asked for


class IncompleteInvoice(Invalid):
    """An invoice that cannot be an e-invoice; each field with the rule of EN 16931 that asks for it."""

    def __init__(self, invoice: Invoice, errors: list[FieldError]) -> None:
        told = ", ".join(f"{error.field} {error.message}" for error in errors)
        super().__init__(f"Invoice {invoice.number or invoice.id} cannot be an e-invoice: {told}.", errors)


def demand_complete(issued: Issued) -> None:
    """Raises IncompleteInvoice."""
    if errors := list(lacking(issued.invoice)):
        raise IncompleteInvoice(issued.invoice, errors)


def lacking(invoice: Invoice) -> Iterator[FieldError]:
    """What is missing or cannot be said, field by field; nothing where the invoice can be an e-invoice."""
    if currency(invoice.currency).decimals > MOST_DECIMALS:
        yield FieldError("currency", f"{invoice.currency} has more decimals than the two of EN 16931 (BR-DEC)")
    yield from _of_party("seller", invoice.seller, "BR-08, BR-09")
    yield from _of_party("customer", invoice.buyer, "BR-10, BR-11")
    yield from _of_taxes(invoice)
    categories = {tax.category for tax in invoice.taxes}
    if categories != {OUTSIDE} and not invoice.seller.get("tax_ids"):
        yield FieldError("seller.tax_ids", "must have a tax number (BR-CO-26)")
    if categories & set(BETWEEN_TAXABLE) and not _vat(invoice.buyer):
        yield FieldError("customer.tax_ids", "must have a VAT number for a reverse charge (BR-AE-02, BR-IC-02)")


def _of_party(name: str, snapshot: Mapping[str, Any], rule: str) -> Iterator[FieldError]:
    if not (snapshot.get("address") or {}).get("country"):
        yield FieldError(f"{name}.address.country", f"must be given ({rule})")


def _of_taxes(invoice: Invoice) -> Iterator[FieldError]:
    if not invoice.taxes:
        yield FieldError("taxes", "must say how the lines are taxed: make a tax rate (BR-CO-18)")
    elif any(len(line.tax_rates) > 1 for line in invoice.lines):
        yield FieldError("lines", "must each have one tax rate (BR-CO-04)")
    elif len({tax.category for tax in invoice.taxes}) > 1 and any(tax.category == OUTSIDE for tax in invoice.taxes):
        yield FieldError("taxes", "cannot be outside the scope of tax on some lines only (BR-O-11)")


def _vat(snapshot: Mapping[str, Any]) -> bool:
    return any(one["type"].endswith("_vat") for one in snapshot.get("tax_ids") or ())
