"""Meters over the wire."""

from typing import Literal

from farthing.catalog.meters.values import Meter
from farthing.catalog.prices.schemas import Filter, Properties
from farthing.kernel.schemas import InstantOut, Key, Line, Schema, Shown

AggregationName = Literal["count", "sum", "max", "min", "latest", "unique_count", "average", "weighted_sum"]
LateUsageName = Literal["bill_next", "ignore"]


class MeterIn(Schema):
    """A meter to be made."""

    key: Key
    name: Line
    event_type: Line
    aggregation: AggregationName
    value: Line | None = None
    group_by: Properties = []
    filter: Filter = {}
    late_usage: LateUsageName = "bill_next"


class MeterOut(Shown):
    """A meter."""

    id: str
    key: str
    name: str
    event_type: str
    aggregation: AggregationName
    value: str | None
    group_by: list[str]
    filter: dict[str, list[str]]
    late_usage: LateUsageName
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, meter: Meter) -> "MeterOut":
        return cls.model_validate(meter, from_attributes=True)
