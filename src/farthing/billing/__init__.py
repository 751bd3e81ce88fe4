"""Billing: subscriptions, bill runs and invoices. What other rooms may use stands here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from farthing.billing.credit_notes.values import CreditNote, CreditNoteLine
from farthing.billing.invoices.money import GivenBack, Receipt, Receivable
from farthing.billing.invoices.values import (
    Invoice,
    InvoiceLine,
    InvoiceNotFound,
    InvoiceNotOpen,
    Settlement,
    payable,
)
from farthing.customers import Customer

__all__ = [
    "CreditNote", "CreditNoteLine", "GivenBack", "Invoice", "InvoiceLine", "InvoiceNotFound", "InvoiceNotOpen",
    "Issued", "IssuedBook", "Receipt", "Receivable", "Receivables", "Settlement", "payable",
]


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice, or a credit note on it, as it was when it got its number: what it is printed from.

    invoice   without what came in for it or was given back of it since
    timezone  in which its lines' periods begin and end
    note      None where it is the invoice itself
    """

    invoice: Invoice
    timezone: str
    note: CreditNote | None = None


class IssuedBook(Protocol):
    """What documents ask of billing."""

    def invoice(self, organization: str, reference: str) -> Issued:
        """By id or number; raises InvoiceNotFound, and InvoiceNotOpen for a draft."""

    def credit_note(self, organization: str, reference: str) -> Issued:
        """By id or number; raises CreditNoteNotFound."""


class Receivables(Protocol):
    """What payments ask of invoices and balances, inside their own transaction."""

    def named(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""

    def held(self, organization: str, reference: str) -> Invoice:
        """The same, which nobody else pays, voids or changes until the transaction ends; raises InvoiceNotFound."""

    def all_held(self, organization: str, ids: Collection[str]) -> Mapping[str, Invoice]:
        """Many of them, by id, held in one order; those that are not there are missing."""

    def owed(self, organization: str, currencies: Collection[str]) -> Sequence[Receivable]:
        """All open invoices in these currencies, by age."""

    def numbered(self, organization: str, numbers: Sequence[str]) -> Sequence[Receivable]:
        """The invoices that have these numbers, in whatever state."""

    def payer(self, organization: str, reference: str) -> Customer:
        """A customer whose money is to be kept; its currency stays until the transaction ends (rule 23).

        raises CustomerNotFound, CustomerChanging
        """

    def balance(self, organization: str, customer: str, currency: str) -> Decimal:
        """What there is on a customer's balance, which nobody else takes from until the transaction ends."""

    def receive(self, organization: str, receipts: Sequence[Receipt]) -> None:
        """Set money against invoices, at most what is due, and keep the rest on balances.

        raises InvoiceNotFound, InvoiceNotOpen
        """

    def give_back(self, organization: str, given: Sequence[GivenBack]) -> None:
        """Take money from invoices, which are owed it again, and from balances; raises PaidBack, BalanceTooLow."""
