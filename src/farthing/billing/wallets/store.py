"""Rows of wallets, their top-ups, and what invoices took of them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, func, insert, select, update

from farthing.billing.wallets.models import credit_uses, top_ups, wallets
from farthing.billing.wallets.values import CreditUse, TopUp, Wallet
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.currencies import currency

wallet, top_up, use = wallets.c, top_ups.c, credit_uses.c
AMOUNTS = ("amount", "remaining", "expired")


@dataclass(frozen=True, slots=True)
class WalletStore:
    connection: Connection

    def add(self, one: Wallet) -> None:
        self.connection.execute(insert(wallets).values(asdict(one)))

    def remove(self, one: Wallet) -> None:
        mine = (wallet.organization == one.organization) & (wallet.id == one.id)
        self.connection.execute(delete(wallets).where(mine))

    def find(self, organization: str, id: str, lock: bool = False) -> Wallet | None:
        query = select(wallets).where((wallet.organization == organization) & (wallet.id == id))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else Wallet(**row)

    def page(self, organization: str, customer: str | None, after: str, limit: int) -> list[Wallet]:
        wanted = [wallet.organization == organization, wallet.id > after]
        wanted += [wallet.customer == customer] if customer is not None else []
        rows = self.connection.execute(select(wallets).where(*wanted).order_by(wallet.id).limit(limit))
        return [Wallet(**row) for row in rows.mappings()]

    def any_of_customer(self, organization: str, customer: str) -> bool:
        mine = (wallet.organization == organization) & (wallet.customer == customer)
        return self.connection.execute(select(wallet.id).where(mine).limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class TopUpStore:
    connection: Connection

    def add(self, one: TopUp) -> None:
        self.connection.execute(insert(top_ups).values(_row(one)))

    def find(self, organization: str, id: str) -> TopUp | None:
        return next(iter(self._read((top_up.organization == organization) & (top_up.id == id))), None)

    def page(self, organization: str, of: str, after: str, limit: int) -> list[TopUp]:
        """Those of a wallet, oldest first."""
        wanted = (top_up.organization == organization) & (top_up.wallet == of) & (top_up.id > after)
        rows = self.connection.execute(select(top_ups).where(wanted).order_by(top_up.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def any_of_wallet(self, organization: str, of: str) -> bool:
        mine = (top_up.organization == organization) & (top_up.wallet == of)
        return self.connection.execute(select(top_up.id).where(mine).limit(1)).first() is not None

    def filled(self, organization: str, wallets_: Collection[str]) -> list[TopUp]:
        """Those of these wallets of which something remains."""
        mine = (top_up.organization == organization) & top_up.wallet.in_(list(wallets_))
        return self._read(mine & (top_up.remaining > 0))

    def filled_of(self, organization: str, customers: Collection[str]) -> list[TopUp]:
        """Those of these customers of which something remains."""
        mine = (top_up.organization == organization) & top_up.customer.in_(list(customers))
        return self._read(mine & (top_up.remaining > 0))

    def held(self, organization: str, ids: Collection[str]) -> list[TopUp]:
        """These, held until the transaction ends: always in the order of their ids, so that nobody waits in a ring."""
        return self._read((top_up.organization == organization) & top_up.id.in_(sorted(ids)), lock=True) if ids else []

    def due(self, organization: str, now: datetime, limit: int) -> list[str]:
        """The ids of those that have expired and of which something remains, the longest expired first."""
        mine = (top_up.organization == organization) & (top_up.remaining > 0) & (top_up.expires_at <= now)
        query = select(top_up.id).where(mine).order_by(top_up.expires_at, top_up.id).limit(limit)
        return list(self.connection.execute(query).scalars())

    def waiting(self) -> list[tuple[str, datetime]]:
        """Organisations with something that expires, and when the first of it does."""
        first = func.min(top_up.expires_at)
        query = select(top_up.organization, first).where(top_up.remaining > 0, top_up.expires_at.is_not(None))
        return [(organization, at) for organization, at in self.connection.execute(query.group_by(top_up.organization))]

    def next_expiry(self, organization: str, after: datetime, until: datetime) -> datetime | None:
        """When the first of them expires after a moment, and not after another."""
        mine = (top_up.organization == organization) & (top_up.remaining > 0)
        query = select(func.min(top_up.expires_at)).where(mine, top_up.expires_at > after, top_up.expires_at <= until)
        return self.connection.execute(query).scalar_one_or_none()

    def save(self, changed: Sequence[TopUp]) -> None:
        """What remains of top-ups that are held."""
        if changed:
            own = (top_up.organization == bindparam("own_organization")) & (top_up.id == bindparam("own_id"))
            rows = [_row(one) | {"own_organization": one.organization, "own_id": one.id} for one in changed]
            self.connection.execute(update(top_ups).where(own), rows)

    def use(self, uses: Sequence[CreditUse]) -> None:
        """Note what invoices took; the database refuses to note it twice."""
        if uses:
            self.connection.execute(insert(credit_uses), [_use_row(one) for one in uses])

    def uses_of(self, organization: str, invoice: str, code: str) -> list[CreditUse]:
        """What an invoice took, by top-up."""
        mine = (use.organization == organization) & (use.invoice == invoice)
        rows = self.connection.execute(select(credit_uses).where(mine).order_by(use.top_up)).mappings()
        unit = currency(code)
        return [CreditUse(**{**row, "amount": from_minor(row["amount"], unit)}, currency=code) for row in rows]

    def _read(self, mine: ColumnElement[bool], lock: bool = False) -> list[TopUp]:
        query = select(top_ups).where(mine).order_by(top_up.id)
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings()
        return [_value(row) for row in rows]


def _row(one: TopUp) -> dict[str, Any]:  # Any: a row's columns
    unit = currency(one.currency)
    return asdict(one) | {name: to_minor(getattr(one, name), unit) for name in AMOUNTS}


def _value(row: RowMapping) -> TopUp:
    unit = currency(row["currency"])
    return TopUp(**{**row, **{name: from_minor(row[name], unit) for name in AMOUNTS}})


def _use_row(one: CreditUse) -> dict[str, Any]:  # Any: a row's columns
    return {
        "organization": one.organization, "invoice": one.invoice, "top_up": one.top_up,
        "amount": to_minor(one.amount, currency(one.currency)),
    }
