"""The customer book. What other rooms may use stands here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from farthing.customers.values import Customer, CustomerChanging, CustomerNotFound
from farthing.pricing.arithmetic import ZERO

__all__ = [
    "Customer",
    "CustomerBalance",
    "CustomerBalances",
    "CustomerBook",
    "CustomerChanging",
    "CustomerCoupons",
    "CustomerNotFound",
    "CustomerUse",
    "CustomerUses",
    "GivenCoupon",
]


class CustomerBook(Protocol):
    """What billing and usage ask of customers."""

    def get(self, organization: str, reference: str, hold: bool = False) -> Customer:
        """By id or key; raises CustomerNotFound.

        hold  asked by whoever holds the customer's account: the customer stays, and in its currency, until the
              account is let go. Raises CustomerChanging while that is being decided
        """

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """By id or key, all of them in one question; raises CustomerNotFound for the first that is not there."""

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        """Those of these ids that exist, by id, in one question."""

    def keys(self, organization: str, ids: Collection[str]) -> Mapping[str, str | None]:
        """The keys of those of these ids that exist, to be shown beside them."""


@dataclass(frozen=True, slots=True)
class CustomerUse:
    """Why a customer cannot go or change its currency, in words; None where it can."""

    against_delete: str | None = None
    against_currency: str | None = None


class CustomerUses(Protocol):
    """What the customer book asks of billing: inside its own transaction where both have one store, else while the
    customer is marked as being changed."""

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        """What speaks against it once nobody adds to it any more; in a transaction with billing until that ends."""


@dataclass(frozen=True, slots=True)
class GivenCoupon:
    """A coupon of a customer: it takes something from invoices of any of its subscriptions, and one-off ones."""

    coupon: str
    coupon_key: str
    attached_at: datetime


class CustomerCoupons(Protocol):
    """What the customer book asks of billing about coupons."""

    def give_coupon(self, organization: str, customer: str, currency: str, coupon: str) -> GivenCoupon:
        """Give a coupon, by id or key, to a customer that is billed in this currency.

        raises  the catalogue's CouponNotFound, NotRedeemable, and CouponAttached
        """


@dataclass(frozen=True, slots=True)
class CustomerBalance:
    """What a customer has in one currency, in major units.

    amount   unapplied money and credit notes: the next invoices take it
    prepaid  what is left of paid credit
    granted  what is left of granted credit, which lessens prices
    """

    currency: str
    amount: Decimal = ZERO
    prepaid: Decimal = ZERO
    granted: Decimal = ZERO


class CustomerBalances(Protocol):
    """What the customer book asks of billing about money that customers have."""

    def balances_of(self, organization: str, customer: str) -> Sequence[CustomerBalance]:
        """Every balance that a customer, by id, has or had: one for each currency, by its code."""
