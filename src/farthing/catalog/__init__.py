"""The catalogue: meters and plans. What other rooms may use stands here."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from farthing.catalog.meters.values import Meter, MeterNotFound
from farthing.catalog.plans.values import Plan, PlanNotFound
from farthing.catalog.prices.reading import price_from

__all__ = ["Catalog", "Meter", "MeterBook", "MeterNotFound", "Plan", "PlanNotFound", "PlanUses", "price_from"]


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


class PlanUses(Protocol):
    """What the catalogue asks of billing, inside its own transaction."""

    def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
        """Whether anybody has ever subscribed to this version, or to any version when none is given."""
