"""Giving numbers to invoices in one transaction: what they take of credit, and the moment that all of it agrees on."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from farthing.billing.balances.service import Balances
from farthing.billing.invoices.numbers import Held, Numbers
from farthing.billing.invoices.values import Invoice, numbered
from farthing.billing.journal.service import Journal
from farthing.billing.wallets.spending import Credits, Spending
from farthing.billing.wallets.values import PAID
from farthing.identity import Organization
from farthing.kernel.clock import Clock
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.posting import Account

SERIES: Final = "INV"


@dataclass(frozen=True, slots=True)
class Issuance:
    """What finalising writes besides the invoice itself."""

    now: Clock
    balances: Balances
    spending: Spending
    journal: Journal

    def begin(
        self, connection: Connection, seller: Organization, customers: Collection[str], credits: Credits
    ) -> "Issuing":
        """For invoices of these customers, of whose top-ups `credits` remain."""
        numbers = Numbers(connection, seller.id, seller.timezone)
        return Issuing(self, numbers, customers, credits, lambda: self.now(seller.id))

    def take_back(self, connection: Connection, voided: Invoice) -> None:
        """Give back the credit that an invoice had taken, and reverse what it posted (rule 20).

        Top-ups are held before balances, as they are when it is taken.
        """
        self.spending.give_back(connection, voided, voided.updated_at)
        self.balances.release(connection, voided, voided.updated_at)
        self.journal.voided(connection, voided)


@dataclass(slots=True)
class Issuing:
    """The invoices that one transaction finalises.

    held   the counters, from when the moment of issue decides something, or else from when numbers are given
    taken  what invoices took from which accounts of credit, by id
    """

    of: Issuance
    numbers: Numbers
    customers: Collection[str]
    credits: Credits
    now: Callable[[], datetime]
    held: Held | None = None
    taken: dict[str, dict[Account, Decimal]] = field(default_factory=dict)

    def moment(self, customer: str) -> datetime:
        """When an invoice of a customer that is finalised here is issued (rule 28).

        Only who has credit, which may be about to expire, needs it before the number is given: then the counter is
        held from here on, after the balances, as everybody else does.
        """
        return self._hold().issued_at if self.credits.has(customer) else self.now()

    def issue(self, ready: Sequence[Invoice]) -> list[Invoice]:
        """Let invoices take credit, in this order, and number them (rules 19, 21 and 28)."""
        if not ready:
            return []
        applied = self.of.balances.apply(self.numbers.connection, ready, self.now())
        self.taken = {id: dict(accounts) for id, accounts in applied.taken.items()}
        held = self._hold()
        paid = [self._prepaid(one, held.issued_at) for one in applied.invoices]
        given = self.numbers.give(held, len(paid))
        return [numbered(one, number, held.issued_at) for one, number in zip(paid, given, strict=True)]

    def book(self, issued: Sequence[tuple[Invoice, str]]) -> None:
        """Write what became of money, once the invoices are stored; each with its subscription's time zone or ""."""
        connection = self.numbers.connection
        self.of.journal.finalized(connection, issued)
        self.of.journal.applied(connection, [(one, self.taken[one.id]) for one, _ in issued if one.id in self.taken])
        if self.held is not None:
            self.of.spending.settle(connection, self.credits, self.held.issued_at, self.numbers.timezone)

    def _prepaid(self, invoice: Invoice, at: datetime) -> Invoice:
        """An invoice with the paid credit that it takes, after what the customer's balance gave (rule 19)."""
        with exactly():
            part = min(self.credits.left(PAID, invoice.customer, invoice.currency, at), invoice.amount_due)
            if part <= ZERO:
                return invoice
            self.credits.take(PAID, invoice, part, at)
            self.taken.setdefault(invoice.id, {})[Account.PREPAID_CREDIT] = part
            return replace(invoice, credit_applied=invoice.credit_applied + part)

    def _hold(self) -> Held:
        if self.held is None:
            if self.credits.top_ups:
                self.of.balances.hold(self.numbers.connection, self.numbers.organization, self.customers)
            self.held = self.numbers.hold(SERIES, self.now)
        return self.held
