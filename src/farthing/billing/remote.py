"""Billing where it runs elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from farthing.catalog import ComparedSubscription, Migrating, NextVersion
from farthing.customers import (
    CustomerBalance,
    CustomerBalances,
    CustomerCoupons,
    CustomerUse,
    CustomerUses,
    GivenCoupon,
)
from farthing.kernel.remote import Remote


@dataclass(frozen=True, slots=True)
class RemoteUses:
    """Keeps `CustomerUses` by asking the service of billing; raises RoomAway where it does not answer."""

    billing: Remote

    def use_of(self, organization: str, customer: str) -> CustomerUse:
        return self.billing.ask(CustomerUses.use_of, organization, customer)


@dataclass(frozen=True, slots=True)
class RemoteCoupons:
    """Keeps `CustomerCoupons` by asking the service of billing; raises RoomAway where it does not answer."""

    billing: Remote

    def give_coupon(self, organization: str, customer: str, currency: str, coupon: str) -> GivenCoupon:
        return self.billing.tell(CustomerCoupons.give_coupon, organization, customer, currency, coupon)


@dataclass(frozen=True, slots=True)
class RemoteBalances:
    """Keeps `CustomerBalances` by asking the service of billing; raises RoomAway where it does not answer."""

    billing: Remote

    def balances_of(self, organization: str, customer: str) -> Sequence[CustomerBalance]:
        return self.billing.ask(CustomerBalances.balances_of, organization, customer)


@dataclass(frozen=True, slots=True)
class RemoteMigrating:
    """Keeps `Migrating` by asking the service of billing; raises RoomAway where it does not answer."""

    billing: Remote

    def begin_migration(self, organization: str, migration: str) -> None:
        return self.billing.tell(Migrating.begin_migration, organization, migration)

    def compare_versions(self, organization: str, version: NextVersion, at: str) -> Sequence[ComparedSubscription]:
        return self.billing.ask(Migrating.compare_versions, organization, version, at)
