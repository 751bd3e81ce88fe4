"""Wallets over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from farthing.billing.wallets.values import GRANTED, PAID, TopUp, Wallet
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import (
    Exactly,
    InstantIn,
    InstantOut,
    Integer,
    Line,
    ListQuery,
    Reference,
    Schema,
    Shown,
)
from farthing.pricing.arithmetic import money
from farthing.pricing.credits import available, in_order
from farthing.pricing.currencies import currency

LOWEST: Final = 1_000_000  # priority


class WalletIn(Schema):
    """A wallet to be made: credit of one customer, in the currency that it is billed in."""

    customer: Reference
    currency: CurrencyCode
    name: Line


class TopUpIn(Schema):
    """Credit to be added: paid for, or granted; of each kind the lowest `priority` is used first."""

    amount: Annotated[Exactly, Field(gt=0)]
    kind: Literal["paid", "granted"]
    expires_at: InstantIn | None = None
    priority: Annotated[Integer, Field(ge=0, le=LOWEST)] = 0


class WalletQuery(ListQuery):
    """What narrows the list."""

    customer: Reference | None = None


class TopUpOut(Shown):
    """Credit that was added at once: what remains of it, and what expired before anybody used it."""

    id: str
    wallet: str
    kind: str
    amount: str
    remaining: str
    expired: str
    currency: str
    priority: int
    expires_at: InstantOut | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, one: TopUp, now: datetime) -> "TopUpOut":
        unit = currency(one.currency)
        shown = one.lapsed(now) if one.is_over(now) else one
        return cls(
            id=one.id, wallet=one.wallet, kind=one.kind, amount=money(one.amount, unit),
            remaining=money(shown.remaining, unit), expired=money(shown.expired, unit), currency=unit.code,
            priority=one.priority, expires_at=one.expires_at, version=one.version, created_at=one.created_at,
            updated_at=one.updated_at,
        )


class LiveTopUpOut(Shown):
    """A top-up of which something can be used."""

    id: str
    kind: str
    remaining: str
    priority: int
    expires_at: InstantOut | None


class WalletOut(Shown):
    """A wallet: what can be used of paid and of granted credit, and of which top-ups, in the order of their use."""

    id: str
    customer: str
    customer_key: str | None
    currency: str
    name: str
    paid: str
    granted: str
    top_ups: list[LiveTopUpOut]
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, one: Wallet, key: str | None, filled: Sequence[TopUp], now: datetime) -> "WalletOut":
        unit = currency(one.currency)
        by_kind = {kind: [each.credit for each in filled if each.kind == kind] for kind in (GRANTED, PAID)}
        live = [(kind, credit) for kind, credits in by_kind.items() for credit in in_order(credits, now)]
        return cls(
            id=one.id, customer=one.customer, customer_key=key, currency=one.currency, name=one.name,
            paid=money(available(by_kind[PAID], now), unit),
            granted=money(available(by_kind[GRANTED], now), unit),
            top_ups=[
                LiveTopUpOut(
                    id=credit.id, kind=kind, remaining=money(credit.left, unit), priority=credit.priority,
                    expires_at=credit.expires_at,
                )
                for kind, credit in live
            ],
            version=one.version, created_at=one.created_at, updated_at=one.updated_at,
        )
