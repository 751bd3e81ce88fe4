"""The use cases of wallets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.journal.store import JournalStore
from farthing.billing.journal.values import TOP_UP, JournalEntry
from farthing.billing.subscriptions.accounts import held_customer
from farthing.billing.wallets.schemas import TopUpIn, WalletIn
from farthing.billing.wallets.store import TopUpStore, WalletStore
from farthing.billing.wallets.values import PAID, BadWallet, TopUp, TopUpNotFound, Wallet, WalletNotFound, WalletUsed
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.arithmetic import TooManyDecimals, amount_from, to_minor
from farthing.pricing.calendar import local_day
from farthing.pricing.checks import LARGEST
from farthing.pricing.currencies import currency
from farthing.pricing.posting import topped_up


@dataclass(frozen=True, slots=True)
class Wallets:
    """Credit of customers; what invoices take of it is with them (rule 28)."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook

    def create(self, caller: Caller, body: WalletIn) -> Wallet:
        """Make a wallet, in the customer's own currency (rule 23); raises CustomerNotFound, BadWallet."""
        now = self.now(caller.organization)
        with self.database.write() as connection:
            customer = held_customer(connection, self.customers, caller.organization, body.customer)
            if body.currency != customer.currency:
                raise _bad("currency", f"must be {customer.currency}, in which the customer is billed (rule 23)")
            wallet = Wallet(
                self.new_id("wal", now), caller.organization, customer.id, body.currency, body.name, 1, now, now
            )
            WalletStore(connection).add(wallet)
        return wallet

    def get(self, organization: str, wallet_id: str) -> Wallet:
        """Raises WalletNotFound."""
        with self.database.read() as connection:
            return _found(WalletStore(connection).find(organization, wallet_id), wallet_id)

    def page(self, caller: Caller, customer: str | None, listing: Listing) -> Page[Wallet]:
        """The wallets, oldest first; raises CustomerNotFound."""
        owner = self.customers.get(caller.organization, customer).id if customer else None
        with self.database.read() as connection:
            rows = WalletStore(connection).page(caller.organization, owner, listing.position, listing.limit + 1)
        return listing.page(rows, lambda wallet: wallet.id)

    def delete(self, caller: Caller, wallet_id: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Drop a wallet that never had anything; raises WalletNotFound, WalletUsed, Stale."""
        with self.database.write() as connection:
            store = WalletStore(connection)
            wallet = _found(store.find(caller.organization, wallet_id, lock=True), wallet_id)
            precondition.demand(wallet.version)
            if TopUpStore(connection).any_of_wallet(caller.organization, wallet.id):
                raise WalletUsed(wallet)
            store.remove(wallet)

    def top_up(self, caller: Caller, wallet_id: str, body: TopUpIn) -> TopUp:
        """Add credit; what was paid for is an untaxed receipt (rules 22 and 28). Raises WalletNotFound, BadWallet."""
        now = self.now(caller.organization)
        with self.database.write() as connection:
            store = WalletStore(connection)
            named = _found(store.find(caller.organization, wallet_id), wallet_id)
            customer = held_customer(connection, self.customers, caller.organization, named.customer)
            wallet = _found(store.find(caller.organization, wallet_id, lock=True), wallet_id)
            if wallet.currency != customer.currency:
                raise _bad("amount", f"is {wallet.currency}; the customer is billed in {customer.currency} (rule 23)")
            if body.expires_at is not None and body.expires_at <= now:
                raise _bad("expires_at", f"must lie after now, which is {instant_text(now)}")
            amount = _amount(body, wallet)
            top_up = TopUp(
                self.new_id("top", now), caller.organization, wallet.id, wallet.customer, wallet.currency, body.kind,
                amount, amount, amount - amount, body.priority, body.expires_at, 1, now, now,
            )
            TopUpStore(connection).add(top_up)
            if top_up.kind == PAID:
                self._book(connection, top_up)
        return top_up

    def top_ups(self, caller: Caller, wallet_id: str, listing: Listing) -> Page[TopUp]:
        """Those of a wallet, oldest first; raises WalletNotFound."""
        with self.database.read() as connection:
            wallet = _found(WalletStore(connection).find(caller.organization, wallet_id), wallet_id)
            store = TopUpStore(connection)
            rows = store.page(caller.organization, wallet.id, listing.position, listing.limit + 1)
        return listing.page(rows, lambda top_up: top_up.id)

    def one_top_up(self, caller: Caller, wallet_id: str, top_up_id: str) -> TopUp:
        """Raises TopUpNotFound."""
        with self.database.read() as connection:
            found = TopUpStore(connection).find(caller.organization, top_up_id)
        if found is None or found.wallet != wallet_id:
            raise TopUpNotFound(top_up_id)
        return found

    def filled(self, caller: Caller, wallets: Sequence[Wallet]) -> Mapping[str, Sequence[TopUp]]:
        """The top-ups of which something remains, by wallet."""
        with self.database.read() as connection:
            rows = TopUpStore(connection).filled(caller.organization, [one.id for one in wallets])
        found: dict[str, list[TopUp]] = {}
        for one in rows:
            found.setdefault(one.wallet, []).append(one)
        return found

    def customer_keys(self, caller: Caller, wallets: Sequence[Wallet]) -> Mapping[str, str | None]:
        """The keys of their customers, by id."""
        return self.customers.keys(caller.organization, {one.customer for one in wallets})

    def _book(self, connection: Connection, one: TopUp) -> None:
        day = local_day(one.created_at, ZoneInfo(self.organizations.get(one.organization).timezone))
        JournalStore(connection).add([JournalEntry(
            self.new_id("jrn", one.created_at), one.organization, f"{TOP_UP}:{one.id}", TOP_UP, one.customer, None,
            None, one.currency, day, one.created_at, topped_up(one.amount),
        )])


def _amount(body: TopUpIn, wallet: Wallet) -> Decimal:
    unit = currency(wallet.currency)
    try:
        amount = amount_from(format(body.amount, "f"), unit)
    except TooManyDecimals as error:
        raise _bad("amount", str(error).rstrip(".")) from error
    if to_minor(amount, unit) > LARGEST:
        raise _bad("amount", "is more than a wallet can hold")
    return amount


def _bad(field: str, message: str) -> BadWallet:
    return BadWallet(f"{field} {message}.", [FieldError(field, message)])


def _found(wallet: Wallet | None, reference: str) -> Wallet:
    if wallet is None:
        raise WalletNotFound(reference)
    return wallet
