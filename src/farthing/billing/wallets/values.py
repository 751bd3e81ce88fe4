"""What wallets and top-ups are, and the refusals about them; amounts in major units of their currency."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from farthing.kernel.problems import Conflict, Invalid, NotFound
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.credits import Credit

PAID: Final = "paid"
GRANTED: Final = "granted"


@dataclass(frozen=True, slots=True)
class Wallet:
    """Credit of one customer in one currency."""

    id: str
    organization: str
    customer: str
    currency: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TopUp:
    """Credit that was paid for, or granted, at once.

    remaining   what no invoice has taken and has not expired yet
    expired     what nobody had used when it expired
    priority    a lower one is used first (rule 28)
    expires_at  from this instant on it cannot be used; None: never
    """

    id: str
    organization: str
    wallet: str
    customer: str
    currency: str
    kind: str
    amount: Decimal
    remaining: Decimal
    expired: Decimal
    priority: int
    expires_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def credit(self) -> Credit:
        return Credit(self.id, self.remaining, self.priority, self.expires_at)

    def is_over(self, at: datetime) -> bool:
        """Whether what remains of it has expired."""
        return self.expires_at is not None and self.expires_at <= at

    def less(self, amount: Decimal, at: datetime) -> "TopUp":
        """After an invoice took something of it or, below zero, gave it back."""
        with exactly():
            return replace(self, remaining=self.remaining - amount, version=self.version + 1, updated_at=at)

    def lapsed(self, at: datetime) -> "TopUp":
        """After what remained of it has expired."""
        with exactly():
            expired = self.expired + self.remaining
        return replace(self, remaining=ZERO * expired, expired=expired, version=self.version + 1, updated_at=at)


@dataclass(frozen=True, slots=True)
class CreditUse:
    """What an invoice took of a top-up."""

    organization: str
    invoice: str
    top_up: str
    amount: Decimal
    currency: str


class WalletNotFound(NotFound):
    """No such wallet in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no wallet {reference[:120]}.")


class TopUpNotFound(NotFound):
    """No such top-up of this wallet."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"The wallet has no top-up {reference[:120]}.")


class WalletUsed(Conflict):
    """A wallet with top-ups stays, so that it can be told where its credit went."""

    def __init__(self, wallet: Wallet) -> None:
        super().__init__(f"Wallet {wallet.id} has top-ups; only one that never had any can be deleted.")


class BadWallet(Invalid):
    """A wallet or a top-up that cannot be."""
