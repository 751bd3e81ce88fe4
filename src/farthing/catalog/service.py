"""The catalogue as other rooms see it, where it runs in the same process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from farthing.catalog.meters.service import Meters
from farthing.catalog.meters.values import Meter
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.values import Plan


@dataclass(frozen=True, slots=True)
class LocalCatalog:
    """Meters and plans behind the one protocol that other rooms know."""

    of_meters: Meters
    of_plans: Plans

    def meter(self, organization: str, reference: str) -> Meter:
        return self.of_meters.get(organization, reference)

    def meters(self, organization: str) -> Sequence[Meter]:
        return self.of_meters.all(organization)

    def plan(self, organization: str, reference: str, hold: bool = False) -> Plan:
        return self.of_plans.get(organization, reference, hold)

    def plans(self, organization: str, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
        return self.of_plans.many(organization, wanted)
