"""Meters over the wire."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from farthing.catalog.meters.values import Meter
from farthing.catalog.prices.schemas import Filter, Properties
from farthing.kernel.schemas import InstantOut, Key, Line, Schema, Shown

AggregationName = Literal["count", "sum", "max", "min", "latest", "unique_count", "average", "weighted_sum"]


class MeterIn(Schema):
    """A meter to be made."""

    later: ClassVar[Mapping[str, object]] = {"late_usage": "bill_next"}
    key: Key
    name: Line
    event_type: Line
    aggregation: AggregationName
    value: Line | None = None
    group_by: Properties = []
    filter: Filter = {}


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
    late_usage: Literal["bill_next"]
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, meter: Meter) -> "MeterOut":
        return cls.model_validate(meter, from_attributes=True)
