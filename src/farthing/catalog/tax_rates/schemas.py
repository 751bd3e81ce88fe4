"""Tax rates over the wire."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, StringConstraints

from farthing.catalog.tax_rates.values import TaxRate
from farthing.kernel.schemas import Exactly, InstantOut, Key, Line, Paragraph, Schema, Shown
from farthing.pricing.arithmetic import plain

Category = Literal["S", "Z", "E", "AE", "K", "G", "O"]
Percent = Annotated[Decimal, PlainSerializer(plain, return_type=str)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]


class TaxRateIn(Schema):
    """A tax rate to be made: `percent` of the net, for the customers of a country or region and lines of a code."""

    key: Key
    name: Line
    percent: Annotated[Exactly, Field(ge=0, le=100)]
    inclusive: bool = False
    country: Country | None = None
    region: Line | None = None
    tax_code: Line | None = None
    category: Category = "S"
    reason: Paragraph | None = None


class TaxRateOut(Shown):
    """A tax rate."""

    id: str
    key: str
    name: str
    percent: Percent
    inclusive: bool
    country: str | None
    region: str | None
    tax_code: str | None
    category: Category
    reason: str | None
    version: int
    created_at: InstantOut
    updated_at: InstantOut

    @classmethod
    def of(cls, rate: TaxRate) -> "TaxRateOut":
        return cls.model_validate(rate, from_attributes=True)
