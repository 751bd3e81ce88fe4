"""The catalogue: meters, plans, coupons and tax rates. What other rooms may use stands here."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from farthing.catalog.coupons.values import Coupon, CouponNotFound, NotRedeemable
from farthing.catalog.meters.values import METERS, Meter, MeterNotFound
from farthing.catalog.plans.migrating import (
    ComparedSubscription,
    Costs,
    Migrating,
    MigrationNotes,
    MigrationNotFound,
    NextVersion,
    NotMigrated,
    PlanMigration,
    TooManySubscriptions,
)
from farthing.catalog.plans.values import Plan, PlanNotFound
from farthing.catalog.prices.reading import price_from
from farthing.pricing.taxes import TaxRate

__all__ = [
    "METERS",
    "Catalog",
    "ComparedSubscription",
    "Costs",
    "Coupon",
    "CouponNotFound",
    "Meter",
    "MeterBook",
    "MeterNotFound",
    "Migrating",
    "MigrationNotFound",
    "MigrationNotes",
    "NextVersion",
    "NotMigrated",
    "NotRedeemable",
    "Plan",
    "PlanMigration",
    "PlanNotFound",
    "PlanUses",
    "TaxRateUses",
    "TooManySubscriptions",
    "price_from",
]


class MeterBook(Protocol):
    """What usage asks of the catalogue."""

    def meter(self, organization: str, reference: str) -> Meter:
        """By id or key; raises MeterNotFound."""

    def meters(self, organization: str) -> Sequence[Meter]:
        """All of them, oldest first."""


class Catalog(MeterBook, Protocol):
    """What billing asks of the catalogue, in its own transactions: the two share a database."""

    def plan(self, organization: str, reference: str, hold: bool = False) -> Plan:
        """By id or key, the newest version unless the reference names one: `pro@2`; raises PlanNotFound.

        hold  the plan neither changes nor goes until the caller's transaction ends: for whoever subscribes to it
        """

    def plans(self, organization: str, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
        """Those of these versions (plan id and number) that exist, in one question."""

    def tax_rates(self, organization: str, hold: bool = False) -> Sequence[TaxRate]:
        """All of them, oldest first; `hold`: they stay as they are until the caller's transaction ends."""

    def coupons(self, organization: str, ids: Collection[str]) -> Mapping[str, Coupon]:
        """Those of these ids that exist, in one question."""

    def redeem(self, organization: str, references: Mapping[str, str]) -> Sequence[Coupon]:
        """Count coupons as given, inside the caller's transaction; raises CouponNotFound, NotRedeemable.

        references  id or key of each, by the field that named it
        returns     the coupons in the same order; nobody else gives them until the transaction ends
        """


class PlanUses(Protocol):
    """What the catalogue asks of billing, inside its own transaction."""

    def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
        """Whether anybody has ever subscribed to this version, or to any version when none is given."""


class TaxRateUses(Protocol):
    """What the catalogue asks of billing about tax rates, inside its own transaction."""

    def taxed(self, organization: str, rate: str) -> bool:
        """Whether an invoice or a draft has this rate, by id."""
