"""Billing: subscriptions, bill runs and invoices. What other rooms may use stands here."""

from typing import Protocol

from farthing.billing.invoices.values import Invoice, InvoiceNotFound, InvoiceNotOpen, Settlement

__all__ = ["Invoice", "InvoiceNotFound", "InvoiceNotOpen", "Receivables", "Settlement"]


class Receivables(Protocol):
    """What payments ask of invoices, inside their own transaction."""

    def owed(self, organization: str, reference: str) -> Invoice:
        """The invoice, locked; raises InvoiceNotFound, InvoiceNotOpen."""

    def settle(self, organization: str, reference: str, settlement: Settlement) -> Invoice:
        """Note that money came in for an invoice; raises InvoiceNotFound, InvoiceNotOpen.

        The amount is in the invoice's currency and at most what is due.
        """

