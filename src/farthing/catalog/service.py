"""The catalogue as other rooms see it, where it runs in the same process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from farthing.catalog.coupons.service import Coupons
from farthing.catalog.coupons.values import Coupon
from farthing.catalog.meters.service import Meters
from farthing.catalog.meters.values import Meter
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.values import Plan
from farthing.catalog.tax_rates.service import TaxRates
from farthing.pricing.taxes import TaxRate


@dataclass(frozen=True, slots=True)
class LocalCatalog:
    """Meters, plans, coupons and tax rates behind the one protocol that other rooms know."""

    of_meters: Meters
    of_plans: Plans
    of_coupons: Coupons
    of_tax_rates: TaxRates

    def meter(self, organization: str, reference: str) -> Meter:
        return self.of_meters.get(organization, reference)

    def meters(self, organization: str) -> Sequence[Meter]:
        return self.of_meters.all(organization)

    def plan(self, organization: str, reference: str, hold: bool = False) -> Plan:
        return self.of_plans.get(organization, reference, hold)

    def plans(self, organization: str, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
        return self.of_plans.many(organization, wanted)

    def tax_rates(self, organization: str, hold: bool = False) -> Sequence[TaxRate]:
        return [rate.rule for rate in self.of_tax_rates.all(organization, hold)]

    def coupons(self, organization: str, ids: Collection[str]) -> Mapping[str, Coupon]:
        return self.of_coupons.many(organization, ids)

    def redeem(self, organization: str, references: Mapping[str, str]) -> Sequence[Coupon]:
        return self.of_coupons.redeem(organization, references)
