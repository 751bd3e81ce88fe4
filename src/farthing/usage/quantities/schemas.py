"""Quantities over the wire."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from farthing.kernel.schemas import InstantIn, InstantOut, Query, Reference, Shown
from farthing.pricing.arithmetic import plain
from farthing.pricing.calendar import Window
from farthing.usage.quantities.tables import Cell


def _names(text: str) -> str:
    names = text.split(",")
    if len(names) > 10 or len(set(names)) != len(names) or not all(names):
        raise PydanticCustomError("names", "must be up to 10 different property names, separated by commas")
    return text


class UsageQuery(Query):
    """What usage is asked for; without a customer, of all together."""

    customer: Reference | None = None
    meter: Reference
    start: Annotated[InstantIn, Field(alias="from")]
    end: Annotated[InstantIn, Field(alias="to")]
    window: Window = "none"
    group_by: Annotated[str, StringConstraints(max_length=1000), AfterValidator(_names)] | None = None


class WindowOut(Shown):
    """The quantity of one group in one window."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)
    start: Annotated[InstantOut, Field(serialization_alias="from")]
    end: Annotated[InstantOut, Field(serialization_alias="to")]
    group: dict[str, str | None]
    value: str

    @classmethod
    def of(cls, cell: Cell, group_by: tuple[str, ...]) -> "WindowOut":
        return cls(
            start=cell.window.start, end=cell.window.end, group=dict(zip(group_by, cell.group, strict=True)),
            value=plain(cell.value),
        )


class UsageOut(Shown):
    """Usage by window, then group."""

    data: list[WindowOut]
