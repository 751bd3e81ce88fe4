"""Billing: subscriptions, bill runs and invoices. What other rooms may use stands here."""

from typing import Protocol

from farthing.billing.invoices.values import Invoice, InvoiceNotFound, InvoiceNotOpen, Settlement, payable

__all__ = ["Invoice", "InvoiceNotFound", "InvoiceNotOpen", "Receivables", "Settlement", "payable"]


class Receivables(Protocol):
    """What payments ask of invoices, inside their own transaction."""

    def named(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""

    def held(self, organization: str, reference: str) -> Invoice:
        """The same, which nobody else pays, voids or changes until the transaction ends; raises InvoiceNotFound."""

    def settle(self, organization: str, invoice_id: str, settlement: Settlement) -> Invoice:
        """Note that money came in for an invoice; raises InvoiceNotFound, InvoiceNotOpen.

        The amount is in the invoice's currency and at most what is due.
        """

