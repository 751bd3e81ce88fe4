"""What matching is told of transfers and invoices, and what it proposes for them (rule 24)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from farthing.billing import Receivable, Receivables
from farthing.payments.bank_transactions.store import BankTransactionStore
from farthing.payments.bank_transactions.values import BankTransaction, sender_name
from farthing.payments.reconciliations.values import Proposed
from farthing.pricing.arithmetic import from_minor, money, to_minor
from farthing.pricing.currencies import currency
from farthing.pricing.reconciling import reconcile
from farthing.pricing.references import numbers_in
from farthing.pricing.transfers import Part, Proposal, Transfer


@dataclass(frozen=True, slots=True)
class Looking:
    """Reads what is known, and asks the rules."""

    receivables: Receivables

    def proposals(self, connection: Connection, found: Sequence[BankTransaction]) -> list[Proposal]:
        """A proposal for each of these transfers of one organisation, in their order."""
        if not found:
            return []
        organization = found[0].organization
        invoices = list(self.receivables.owed(organization, {one.currency for one in found}))
        known = {one.owed.number for one in invoices}
        named = dict.fromkeys(number for one in found for number in numbers_in(one.reference) if number not in known)
        others = [one for one in self.receivables.numbered(organization, list(named)) if one.owed.number not in known]
        transfers = [_transfer(one) for one in found]
        payers = self._payers(connection, organization, found, invoices)
        return reconcile(transfers, [one.owed for one in (*invoices, *others)], payers)

    def _payers(
        self, connection: Connection, organization: str, found: Sequence[BankTransaction],
        invoices: Sequence[Receivable],
    ) -> dict[str, str]:
        """Whose transfers senders' accounts and names are: by what was matched before, else by open invoices."""
        store = BankTransactionStore(connection)
        ibans = list(dict.fromkeys(one.iban for one in found if one.iban))
        names = list(dict.fromkeys(one.sender for one in found if one.sender))
        buyers: dict[str, set[str]] = {}
        for one in invoices:
            buyers.setdefault(sender_name(one.buyer), set()).add(one.owed.customer)
        payers = {f"name:{name}": of.pop() for name, of in buyers.items() if len(of) == 1}
        payers |= {f"name:{name}": of for name, of in store.payers(organization, "sender", names).items()}
        return payers | {f"iban:{iban}": of for iban, of in store.payers(organization, "iban", ibans).items()}


def _transfer(one: BankTransaction) -> Transfer:
    payers = ([f"iban:{one.iban}"] if one.iban else []) + ([f"name:{one.sender}"] if one.sender else [])
    amount = to_minor(one.amount, currency(one.currency))
    return Transfer(one.id, amount, one.currency, one.reference, one.customer, tuple(payers))


def as_proposed(proposal: Proposal, code: str, applied: bool) -> Proposed:
    """A proposal as it is kept and shown."""
    candidates = [shown_parts(answer, code) for answer in proposal.candidates]
    return Proposed(
        proposal.transfer, proposal.kind.value, proposal.ambiguous, proposal.reason, candidates, applied
    )


def shown_parts(parts: Sequence[Part], code: str) -> list[dict[str, Any]]:  # Any: JSON
    """Invoices with what they get, amounts as texts."""
    unit = currency(code)
    return [
        {"invoice": part.invoice, "number": part.number, "amount": money(from_minor(part.amount, unit), unit)}
        for part in parts
    ]
