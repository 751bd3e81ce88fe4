"""Giving coupons to customers and subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from farthing.billing.coupons.store import AttachedCouponStore
from farthing.billing.coupons.values import AttachedCoupon
from farthing.billing.subscriptions.accounts import hold_account
from farthing.catalog import Catalog, Coupon, NotRedeemable
from farthing.customers import GivenCoupon
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a coupon is given to: a customer or, where it is named, one of its subscriptions."""

    organization: str
    customer: str
    subscription: str | None
    currency: str


@dataclass(frozen=True, slots=True)
class Giving:
    """Coupons given in the transaction that is handed to it; the catalogue counts them."""

    catalog: Catalog
    now: Clock
    new_id: NewId

    def give(self, connection: Connection, owner: Owner, references: Mapping[str, str]) -> list[AttachedCoupon]:
        """Give coupons in this order, behind those that the owner has.

        references  id or key of each, by the field that named it
        raises      CouponNotFound, NotRedeemable, CouponAttached
        """
        if not references:
            return []
        coupons = self.catalog.redeem(owner.organization, references)
        for field, coupon in zip(references, coupons, strict=True):
            if coupon.currency not in (None, owner.currency):
                why = f"which is an amount of {coupon.currency}, but what is billed is in {owner.currency} (rule 23)"
                raise NotRedeemable(coupon, field, why)
        now = self.now(owner.organization)
        given = [
            AttachedCoupon(
                self.new_id("cpa", now), owner.organization, coupon.id, owner.customer, owner.subscription, now
            )
            for coupon in coupons
        ]
        AttachedCouponStore(connection).add(given)
        return given


def coupons_of(
    connection: Connection, catalog: Catalog, organization: str, owners: Iterable[str]
) -> Mapping[str, Sequence[Coupon]]:
    """The coupons that subscriptions or customers were given, by whose they are, in the order they were applied."""
    attached = AttachedCouponStore(connection).of_owners(organization, set(owners))
    coupons = catalog.coupons(organization, {one.coupon for one in attached})
    found: dict[str, list[Coupon]] = {}
    for one in attached:
        found.setdefault(one.owner, []).append(coupons[one.coupon])
    return found


@dataclass(frozen=True, slots=True)
class CustomersCoupons:
    """Keeps `CustomerCoupons`, where billing runs in the same process."""

    database: Database
    giving: Giving

    def give_coupon(self, organization: str, customer: str, currency: str, coupon: str) -> GivenCoupon:
        with self.database.write() as connection:
            hold_account(connection, organization, customer)
            owner = Owner(organization, customer, None, currency)
            [given] = self.giving.give(connection, owner, {"coupon": coupon})
            key = self.giving.catalog.coupons(organization, {given.coupon})[given.coupon].key
        return GivenCoupon(given.coupon, key, given.attached_at)
