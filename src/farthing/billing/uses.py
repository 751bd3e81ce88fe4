"""What billing says when another room asks whether something is still needed."""

from dataclasses import dataclass

from farthing.billing.balances.store import BalanceStore
from farthing.billing.charges.store import ChargeStore
from farthing.billing.invoices.links import any_with_rate
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import DRAFT, OPEN
from farthing.billing.subscriptions.accounts import hold_account
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.wallets.store import TopUpStore, WalletStore
from farthing.customers import CustomerUse
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database


@dataclass(frozen=True, slots=True)
class BillingUses:
    """Answers customers and the catalogue, inside their own transactions."""

    database: Database
    now: Clock

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        """Why a customer must stay, or stay in its currency (rule 23); so it is until the transaction ends."""
        with self.database.write() as connection:
            hold_account(connection, organization, customer)
            living = SubscriptionStore(connection).any_living(organization, customer, self.now(organization))
            invoices = InvoiceStore(connection)
            invoiced = invoices.any_of_customer(organization, customer)
            unsettled = invoices.any_of_customer(organization, customer, (DRAFT, OPEN))
            balances = BalanceStore(connection).of_customer(organization, customer)
            charged = ChargeStore(connection).any_waiting(organization, customer)
            wallet = WalletStore(connection).any_of_customer(organization, customer)
            credits = TopUpStore(connection).filled_of(organization, [customer])
            now = self.now(organization)
        waiting = "a charge that waits for an invoice" if charged else None
        subscribed = "a live subscription, or one whose end is not billed yet" if living else None
        live = any(one.credit.is_live(now) for one in credits)
        credit = "a balance" if any(balances.values()) else "credit in a wallet" if live else None
        return CustomerUse(
            against_delete=(
                subscribed or waiting or ("invoices" if invoiced else None)
                or ("a balance, or had one" if balances else "a wallet" if wallet else None)
            ),
            against_currency=subscribed or waiting or ("a draft or an open invoice" if unsettled else credit),
        )

    def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
        """Whether anybody has ever subscribed to this version, or to any version when none is given."""
        with self.database.read() as connection:
            return SubscriptionStore(connection).any_on_plan(organization, plan_id, version)

    def taxed(self, organization: str, rate: str) -> bool:
        """Whether an invoice or a draft has this tax rate."""
        with self.database.read() as connection:
            return any_with_rate(connection, organization, rate)
