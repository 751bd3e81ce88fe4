"""Credit while a transaction makes invoices: what is left of it, what each takes, and what is written in the end."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from farthing.billing.invoices.values import Invoice
from farthing.billing.wallets.expiring import Expiry
from farthing.billing.wallets.store import TopUpStore
from farthing.billing.wallets.values import CreditUse, TopUp
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.credits import available, drawn


@dataclass(slots=True)
class Credits:
    """What remains of top-ups while invoices are made, one after the other; stores nothing.

    top_ups  as they are now, by id
    uses     what finalised invoices took of them
    """

    top_ups: dict[str, TopUp] = field(default_factory=dict)
    uses: list[CreditUse] = field(default_factory=list)

    def has(self, customer: str) -> bool:
        """Whether there is anything to be used, or to expire, of a customer."""
        return any(one.customer == customer for one in self.top_ups.values())

    def left(self, kind: str, customer: str, code: str, at: datetime) -> Decimal:
        """What an invoice that is issued at a moment can take (rule 28)."""
        return available([one.credit for one in self._of(kind, customer, code)], at)

    def take(self, kind: str, invoice: Invoice, amount: Decimal, at: datetime) -> None:
        """Let a finalised invoice take an amount that is there, in order (rule 28)."""
        for top_up, part in self.draw(kind, invoice.customer, invoice.currency, amount, at):
            self.uses.append(CreditUse(invoice.organization, invoice.id, top_up, part, invoice.currency))

    def draw(self, kind: str, customer: str, code: str, amount: Decimal, at: datetime) -> list[tuple[str, Decimal]]:
        """Lessen what is left by an amount that is there; what was taken of each top-up, by id, in order (rule 28)."""
        taken = drawn([one.credit for one in self._of(kind, customer, code)], amount, at)
        for credit, part in taken:
            self.top_ups[credit.id] = self.top_ups[credit.id].less(part, at)
        return [(credit.id, part) for credit, part in taken]

    def _of(self, kind: str, customer: str, code: str) -> list[TopUp]:
        place = kind, customer, code
        return [one for one in self.top_ups.values() if (one.kind, one.customer, one.currency) == place]


def credits_of(connection: Connection, organization: str, customers: Collection[str], hold: bool) -> Credits:
    """What remains of these customers' top-ups; held, nobody else takes of it until the transaction ends."""
    store = TopUpStore(connection)
    found = store.filled_of(organization, customers)
    if hold:
        found = [one for one in store.held(organization, [one.id for one in found]) if one.remaining > ZERO]
    return Credits({one.id: one for one in found})


@dataclass(frozen=True, slots=True)
class Spending:
    """Writes what invoices took of top-ups, and gives it back; whoever calls writes the journal of their use."""

    expiry: Expiry

    def settle(self, connection: Connection, credits: Credits, at: datetime, timezone: str) -> None:
        """Store what was taken, once the invoices are stored; what had expired before any use of it, expires first."""
        changed = {use.top_up for use in credits.uses}
        over = [one for one in credits.top_ups.values() if one.id not in changed and one.is_over(at)]
        self.expiry.expire(connection, over, at, timezone)
        store = TopUpStore(connection)
        store.save([credits.top_ups[id] for id in sorted(changed)])
        store.use(credits.uses)

    def give_back(self, connection: Connection, invoice: Invoice, at: datetime) -> None:
        """Put what a voided invoice had taken back where it was, whether it has expired since or not (rule 20)."""
        store = TopUpStore(connection)
        uses = {use.top_up: use for use in store.uses_of(invoice.organization, invoice.id, invoice.currency)}
        held = store.held(invoice.organization, list(uses))
        store.save([one.less(-uses[one.id].amount, at) for one in held])
