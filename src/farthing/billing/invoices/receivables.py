"""What payments may do to invoices and balances: see `Receivables` of this room."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from farthing.billing.balances.service import Balances
from farthing.billing.balances.store import BalanceStore
from farthing.billing.balances.values import PAYMENT, REFUND, Movement
from farthing.billing.invoices.money import GivenBack, Receipt, Receivable, unpaid
from farthing.billing.invoices.settling import SettlementStore
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice, found, paid, payable
from farthing.billing.journal.receiving import MoneyJournal
from farthing.billing.subscriptions.accounts import held_customer
from farthing.customers import Customer, CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.cache.values import Key
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, changes
from farthing.pricing.arithmetic import ZERO


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """Keeps `Receivables` where invoices run in the same process."""

    database: Database
    now: Clock
    organizations: OrganizationBook
    customers: CustomerBook
    balances: Balances
    journal: MoneyJournal

    def named(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""
        with self.database.read() as connection:
            return found(InvoiceStore(connection).find(organization, reference), reference)

    def held(self, organization: str, reference: str) -> Invoice:
        """The same, which nobody else pays, voids or changes until the transaction ends; raises InvoiceNotFound."""
        with self.database.write() as connection:
            invoice = found(InvoiceStore(connection).find(organization, reference, lock=True), reference)
            # also where it has been paid before and the answer says so again: who did it may have died before it told
            changes("invoice", [Key(organization, invoice.id).name])
            return invoice

    def all_held(self, organization: str, ids: Collection[str]) -> Mapping[str, Invoice]:
        """Many of them, by id, held in one order; those that are not there are missing."""
        with self.database.write() as connection:
            return {one.id: one for one in InvoiceStore(connection).held(organization, ids)}

    def owed(self, organization: str, currencies: Collection[str]) -> Sequence[Receivable]:
        """All open invoices in these currencies, by age."""
        with self.database.read() as connection:
            return SettlementStore(connection).owed(organization, currencies)

    def numbered(self, organization: str, numbers: Sequence[str]) -> Sequence[Receivable]:
        """The invoices that have these numbers, in whatever state."""
        with self.database.read() as connection:
            return SettlementStore(connection).numbered(organization, numbers)

    def payer(self, organization: str, reference: str) -> Customer:
        """A customer whose money is to be kept; its currency stays until the transaction ends (rule 23).

        raises CustomerNotFound, CustomerChanging
        """
        with self.database.write() as connection:
            return held_customer(connection, self.customers, organization, reference)

    def balance(self, organization: str, customer: str, currency: str) -> Decimal:
        """What there is on a customer's balance, which nobody else takes from until the transaction ends."""
        with self.database.write() as connection:
            place = (customer, currency)
            return BalanceStore(connection).held(organization, [place]).get(place, ZERO)

    def receive(self, organization: str, receipts: Sequence[Receipt]) -> None:
        """Set money against invoices, at most what is due, and keep the rest on balances.

        raises InvoiceNotFound, InvoiceNotOpen
        """
        now = self.now(organization)
        with self.database.write() as connection:
            before = self._invoices(organization, receipts)
            after = dict(before)
            for one in receipts:
                if one.invoice is not None:
                    after[one.invoice] = paid(payable(after[one.invoice]), one.settlement)
            _save(connection, before, after, now)
            SettlementStore(connection).add([
                (before[one.invoice], one.settlement) for one in receipts if one.invoice is not None
            ])
            self.journal.received(connection, organization, self._timezone(organization), now, [
                (one, before[one.invoice] if one.invoice else None) for one in receipts
            ])
            self.balances.move(connection, [
                Movement(organization, one.customer, one.currency, PAYMENT, f"{PAYMENT}:{one.payment}", one.on_balance)
                for one in receipts if one.on_balance > ZERO
            ], now)

    def give_back(self, organization: str, given: Sequence[GivenBack]) -> None:
        """Take money from invoices, which are owed it again, and from balances; raises PaidBack, BalanceTooLow."""
        now = self.now(organization)
        with self.database.write() as connection:
            before = self._invoices(organization, given)
            after = dict(before)
            taken = [(one, one.invoice) for one in given if one.invoice is not None and one.from_invoice > ZERO]
            for one, invoice in taken:
                after[invoice] = unpaid(after[invoice], one.payment, one.from_invoice)
            _save(connection, before, after, now)
            SettlementStore(connection).give_back([
                (before[invoice], one.payment, one.from_invoice) for one, invoice in taken
            ])
            self.journal.given_back(connection, organization, self._timezone(organization), now, [
                (one, before[one.invoice] if one.invoice else None) for one in given
            ])
            self.balances.move(connection, [
                Movement(organization, one.customer, one.currency, REFUND, f"{REFUND}:{one.id}", -one.from_balance)
                for one in given if one.from_balance > ZERO
            ], now)

    def _invoices(self, organization: str, moved: Sequence[Receipt | GivenBack]) -> dict[str, Invoice]:
        """The invoices of these, held; raises InvoiceNotFound."""
        wanted = [one.invoice for one in moved if one.invoice is not None]
        held = self.all_held(organization, wanted)
        return {id: found(held.get(id), id) for id in wanted}

    def _timezone(self, organization: str) -> str:
        return self.organizations.get(organization).timezone


def _save(connection: Connection, before: Mapping[str, Invoice], after: Mapping[str, Invoice], now: datetime) -> None:
    changed = [
        (was, replace(after[id], version=was.version + 1, updated_at=now))
        for id, was in before.items() if after[id] != was
    ]
    InvoiceStore(connection).save(changed)
