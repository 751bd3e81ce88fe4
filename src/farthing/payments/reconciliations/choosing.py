"""What somebody chose: which transfers pay which invoices, or go to a customer's balance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farthing.billing import Invoice, InvoiceNotFound, Receivables, payable
from farthing.kernel.ids import is_id
from farthing.payments.bank_transactions.values import BankTransaction
from farthing.payments.reconciliations.schemas import ChosenIn
from farthing.payments.reconciliations.values import BadChoice, Use
from farthing.pricing.arithmetic import to_minor
from farthing.pricing.currencies import currency
from farthing.pricing.transfers import Part, told


@dataclass(frozen=True, slots=True)
class Choosing:
    """From what somebody said to what each transfer is used for; `left` is what is still due, by invoice."""

    receivables: Receivables
    organization: str
    left: dict[str, int] = field(default_factory=dict)

    def uses(self, chosen: Sequence[ChosenIn], found: Mapping[str, BankTransaction]) -> list[Use]:
        """Raises InvoiceNotFound, InvoiceNotOpen, CustomerNotFound, BadChoice."""
        for index, one in enumerate(chosen):
            if bool(one.invoices) == (one.customer is not None):
                raise BadChoice(index, "invoices", "are named, or a customer, and one of the two")
        invoices = self._invoices([reference for one in chosen for reference in one.invoices])
        return [
            self._paying(index, found[one.transaction], [invoices[each] for each in one.invoices])
            if one.invoices else self._kept(index, found[one.transaction], one.customer or "")
            for index, one in enumerate(chosen)
        ]

    def _invoices(self, references: Sequence[str]) -> dict[str, Invoice]:
        """By what they were called, held."""
        numbers = [one for one in references if not is_id(one, "inv")]
        ids = {one.owed.number: one.owed.id for one in self.receivables.numbered(self.organization, numbers)}
        held = self.receivables.all_held(self.organization, {ids.get(one, one) for one in references})
        for one in references:
            if ids.get(one, one) not in held:
                raise InvoiceNotFound(one)
        return {one: held[ids.get(one, one)] for one in references}

    def _paying(self, index: int, transaction: BankTransaction, invoices: Sequence[Invoice]) -> Use:
        """The transfer's money over these invoices, in their order, as far as it lasts."""
        unit = currency(transaction.currency)
        left = to_minor(transaction.amount, unit)
        parts: list[Part] = []
        for one in invoices:
            if payable(one).currency != unit.code:
                raise BadChoice(index, "invoices", f"must be due in {unit.code}; {one.number} is in {one.currency}")
            due = self.left.setdefault(one.id, to_minor(one.amount_due, unit))
            part = min(left, due)
            if part == 0:
                raise BadChoice(index, "invoices", f"leave nothing for {one.number}" if due else _paid(one))
            parts.append(Part(one.id, one.number or "", one.customer, part))
            self.left[one.id], left = due - part, left - part
        if left and len({part.customer for part in parts}) > 1:
            message = f"are of several customers, and {told(left, unit.code)} more than they are due with"
            raise BadChoice(index, "invoices", message)
        return Use(transaction, parts, left, parts[-1].customer)

    def _kept(self, index: int, transaction: BankTransaction, reference: str) -> Use:
        """All of it for a customer's balance, in the customer's own currency (rule 23)."""
        customer = self.receivables.payer(self.organization, reference)
        if customer.currency != transaction.currency:
            message = f"is billed in {customer.currency}, and the transfer is in {transaction.currency} (rule 23)"
            raise BadChoice(index, "customer", message)
        return Use(transaction, (), to_minor(transaction.amount, currency(transaction.currency)), customer.id)


def _paid(one: Invoice) -> str:
    return f"name {one.number}, which transfers before this one pay"
