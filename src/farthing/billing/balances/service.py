"""What may happen to the balance of a customer, inside the transaction of whatever causes it (rules 19, 22 and 23)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from farthing.billing.balances.store import BalanceStore
from farthing.billing.balances.values import (
    APPLIED,
    RELEASED,
    Applied,
    BalanceEntry,
    BalanceTooLow,
    Movement,
)
from farthing.billing.invoices.values import Invoice
from farthing.billing.subscriptions.accounts import hold_account
from farthing.billing.wallets.spending import Credits
from farthing.billing.wallets.store import TopUpStore
from farthing.billing.wallets.values import GRANTED, PAID
from farthing.customers import CustomerBalance
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.posting import Account


@dataclass(frozen=True, slots=True)
class Balances:
    """The account "customer credit" of each customer, by currency; whoever calls writes the journal.

    Balances are held after subscriptions and invoices and before the counters of numbers.
    """

    new_id: NewId

    def hold(self, connection: Connection, organization: str, customers: Collection[str]) -> None:
        """Hold all balances of these customers, for whoever is about to hold a counter before it applies them."""
        BalanceStore(connection).hold(organization, customers)

    def move(self, connection: Connection, movements: Sequence[Movement], now: datetime) -> list[BalanceEntry]:
        """Change balances of one organisation, in this order; raises BalanceTooLow, and then nothing is done."""
        if not movements:
            return []
        organization = movements[0].organization
        for customer in sorted({one.customer for one in movements if one.amount > ZERO}):
            hold_account(connection, organization, customer)  # its currency is fixed from now on (rule 23)
        store, places = BalanceStore(connection), sorted({one.place for one in movements})
        held = dict(store.held(organization, places))
        if missing := [place for place in places if place not in held]:
            for place in missing:
                store.open(organization, place, now)
            held = dict(store.held(organization, places))
        entries: list[BalanceEntry] = []
        with exactly():
            for one in movements:
                left = held[one.place] + one.amount
                if left < ZERO:
                    raise BalanceTooLow(one, held[one.place])
                held[one.place] = left
                entries.append(BalanceEntry(self.new_id("bal", now), one, left, now))
        store.add(entries)
        return entries

    def add(self, connection: Connection, movement: Movement, now: datetime) -> BalanceEntry:
        """Put an amount above zero on a balance; gives what there is then."""
        [entry] = self.move(connection, [movement], now)
        return entry

    def take(self, connection: Connection, movement: Movement, now: datetime) -> BalanceEntry:
        """Take an amount above zero from a balance; raises BalanceTooLow."""
        [entry] = self.move(connection, [replace(movement, amount=-movement.amount)], now)
        return entry

    def apply(self, connection: Connection, invoices: Sequence[Invoice], now: datetime) -> Applied:
        """Set what customers have against invoices that are about to be finalised, in this order (rule 19).

        Each takes what is due of it as far as its customer's balance in its currency lasts.
        """
        held = self._held_for(connection, invoices)
        if not held:
            return Applied(invoices, {})
        done: list[Invoice] = []
        taken: list[Movement] = []
        with exactly():
            for one in invoices:
                part = min(held.get((one.customer, one.currency), ZERO), one.amount_due)
                if part > ZERO:
                    held[one.customer, one.currency] -= part
                    taken.append(_of(one, APPLIED, -part))
                    one = replace(one, credit_applied=one.credit_applied + part)
                done.append(one)
        self.move(connection, taken, now)
        return Applied(done, {one.invoice or "": {Account.CUSTOMER_CREDIT: -one.amount} for one in taken})

    def release(self, connection: Connection, invoice: Invoice, now: datetime) -> None:
        """Give back what an invoice had taken when it was finalised, because it is voided (rule 20)."""
        store = BalanceStore(connection)
        if part := store.applied_to(invoice.organization, invoice.id, invoice.currency):
            self.move(connection, [_of(invoice, RELEASED, part)], now)

    def _held_for(self, connection: Connection, invoices: Sequence[Invoice]) -> dict[tuple[str, str], Decimal]:
        """The balances that these invoices may take from, held; where there is nothing, one look tells so."""
        if not invoices:
            return {}
        store, organization = BalanceStore(connection), invoices[0].organization
        filled = store.filled(organization, {one.customer for one in invoices})
        wanted = sorted({(one.customer, one.currency) for one in invoices} & filled.keys())
        return dict(store.held(organization, wanted)) if wanted else {}


@dataclass(frozen=True, slots=True)
class CustomersBalances:
    """Keeps `CustomerBalances`, where billing runs in the same process."""

    database: Database
    now: Clock

    def balances_of(self, organization: str, customer: str) -> Sequence[CustomerBalance]:
        now = self.now(organization)
        with self.database.read() as connection:
            found = BalanceStore(connection).of_customer(organization, customer)
            top_ups = TopUpStore(connection).filled_of(organization, [customer])
        credits = Credits({one.id: one for one in top_ups})
        return [
            CustomerBalance(
                code, found.get(code, ZERO), credits.left(PAID, customer, code, now),
                credits.left(GRANTED, customer, code, now),
            )
            for code in sorted(found.keys() | {one.currency for one in top_ups})
        ]


def _of(invoice: Invoice, kind: str, amount: Decimal) -> Movement:
    return Movement(
        invoice.organization, invoice.customer, invoice.currency, kind, f"{kind}:{invoice.id}", amount, invoice.id
    )
