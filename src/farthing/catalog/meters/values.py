"""What a meter is, and the refusals about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from farthing.kernel.problems import Conflict, NotFound
from farthing.pricing.aggregation import Aggregation

METERS: Final = "meters"  # as units of work note which organisation's they change


@dataclass(frozen=True, slots=True)
class Meter:
    """What it counts and how. All but the name is fixed, because usage has followed it from the beginning.

    value       the property of `data` that is aggregated; None for count
    group_by    properties that usage can be asked for by
    filter      the values of properties that an event must have to count
    late_usage  what becomes of an event whose period is closed: "bill_next" or "ignore" (rule 18)
    """

    id: str
    organization: str
    key: str
    name: str
    event_type: str
    aggregation: Aggregation
    value: str | None
    group_by: tuple[str, ...]
    filter: Mapping[str, tuple[str, ...]]
    late_usage: str
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def ignores_late(self) -> bool:
        """Whether an event that comes when its period is closed counts for nothing."""
        return self.late_usage == "ignore"


class MeterNotFound(NotFound):
    """No such meter in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no meter {reference[:120]}.")


class MeterKeyTaken(Conflict):
    """A key names one meter of an organisation."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key} already names another meter.")


class MeterInUse(Conflict):
    """A meter stays while a plan version prices it."""

    def __init__(self, meter: Meter, plan_key: str, version: int) -> None:
        super().__init__(f"Meter {meter.id} ({meter.key}) cannot be deleted: plan {plan_key}@{version} prices it.")
