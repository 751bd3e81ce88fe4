"""Prices over the wire: a model for each pricing model, told apart by `model`."""

from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, PlainValidator

from farthing.kernel.schemas import Exactly, Integer, Key, Line, Reference, Schema
from farthing.pricing import prices
from farthing.pricing.arithmetic import ZERO, money, plain
from farthing.pricing.currencies import Currency
from farthing.pricing.prices import Billing, Price

MOST_TIERS: Final = 1000
MOST_CELLS: Final = 5000
MONEY: Final = ("amount", "minimum", "maximum")  # the other amounts may be finer than the currency

Properties = Annotated[list[Line], Field(max_length=20)]
Filter = Annotated[
    dict[Line, Annotated[list[Annotated[str, Field(max_length=255)]], Field(min_length=1, max_length=1000)]],
    Field(max_length=20),
]


class TierIn(Schema):
    """A range of units, up to and including `up_to`; null on the last one."""

    up_to: Exactly | None
    unit_amount: Exactly | None = None
    flat_amount: Exactly | None = None

    def value(self) -> prices.Tier:
        return prices.Tier(**_said(self))


class RateTierIn(Schema):
    """A range of a metered amount, with a rate in percent."""

    up_to: Exactly | None
    rate: Exactly
    flat_amount: Exactly | None = None

    def value(self) -> prices.RateTier:
        return prices.RateTier(**_said(self))


class CellIn(Schema):
    """The unit amount of one combination; null stands for a property that is missing."""

    values: Annotated[list[Annotated[str, Field(max_length=255)] | None], Field(max_length=20)]
    unit_amount: Exactly

    def value(self) -> prices.Cell:
        return prices.Cell(tuple(self.values), self.unit_amount)


class PriceFields(Schema):
    """What every price has."""

    key: Key
    name: Line
    meter: Reference | None = None
    billing: Literal["in_advance", "in_arrears"]
    prorate: bool = True
    group_by: Properties = []
    filter: Filter = {}
    minimum: Exactly | None = None
    maximum: Exactly | None = None
    tax_code: Line | None = None

    @abstractmethod
    def charge(self) -> prices.Charge:
        """The pricing value of the fields that this model adds."""

    def value(self) -> Price:
        """The price as it is rated."""
        return Price(
            self.key, self.name, self.charge(), self.meter, Billing(self.billing), self.prorate,
            tuple(self.group_by), {name: tuple(values) for name, values in self.filter.items()},
            self.minimum, self.maximum, self.tax_code,
        )


class FlatIn(PriceFields):
    """A fixed fee a period."""

    model: Literal["flat"]
    amount: Exactly

    def charge(self) -> prices.Flat:
        return prices.Flat(self.amount)


class PerUnitIn(PriceFields):
    """Quantity times unit amount."""

    model: Literal["per_unit"]
    unit_amount: Exactly
    free_units: Exactly | None = None

    def charge(self) -> prices.PerUnit:
        return prices.PerUnit(self.unit_amount, self.free_units or ZERO)


class GraduatedIn(PriceFields):
    """Each tier prices the units inside it."""

    model: Literal["graduated"]
    tiers: Annotated[list[TierIn], Field(max_length=MOST_TIERS)]

    def charge(self) -> prices.Graduated:
        return prices.Graduated(tuple(tier.value() for tier in self.tiers))


class VolumeIn(PriceFields):
    """The tier that the whole quantity falls into prices all of it."""

    model: Literal["volume"]
    tiers: Annotated[list[TierIn], Field(max_length=MOST_TIERS)]

    def charge(self) -> prices.Volume:
        return prices.Volume(tuple(tier.value() for tier in self.tiers))


class PackageIn(PriceFields):
    """Every started package costs the same."""

    model: Literal["package"]
    package_size: Exactly
    package_amount: Exactly
    free_units: Exactly | None = None

    def charge(self) -> prices.Package:
        return prices.Package(self.package_size, self.package_amount, self.free_units or ZERO)


class PercentageIn(PriceFields):
    """A share of the metered amount, and a fixed amount for each event."""

    model: Literal["percentage"]
    rate: Exactly
    fixed_amount: Exactly | None = None
    free_amount: Exactly | None = None
    free_events: Annotated[Integer, Field(ge=0, le=10**9)] | None = None
    minimum_per_event: Exactly | None = None
    maximum_per_event: Exactly | None = None

    def charge(self) -> prices.Percentage:
        return prices.Percentage(
            self.rate, self.fixed_amount or ZERO, self.free_amount or ZERO, self.free_events or 0,
            self.minimum_per_event, self.maximum_per_event,
        )


class GraduatedPercentageIn(PriceFields):
    """Tiers over the metered amount, each with a rate in percent."""

    model: Literal["graduated_percentage"]
    tiers: Annotated[list[RateTierIn], Field(max_length=MOST_TIERS)]

    def charge(self) -> prices.GraduatedPercentage:
        return prices.GraduatedPercentage(tuple(tier.value() for tier in self.tiers))


class MatrixIn(PriceFields):
    """Per unit, by the values of properties."""

    model: Literal["matrix"]
    dimensions: Properties
    cells: Annotated[list[CellIn], Field(max_length=MOST_CELLS)]
    default_unit_amount: Exactly | None = None

    def charge(self) -> prices.Matrix:
        cells = tuple(cell.value() for cell in self.cells)
        return prices.Matrix(tuple(self.dimensions), cells, self.default_unit_amount)


class DynamicIn(PriceFields):
    """Each event carries its own amount."""

    model: Literal["dynamic"]
    amount_property: Line

    def charge(self) -> prices.Dynamic:
        return prices.Dynamic(self.amount_property)


AnyPrice: TypeAlias = (
    FlatIn | PerUnitIn | GraduatedIn | VolumeIn | PackageIn | PercentageIn | GraduatedPercentageIn | MatrixIn
    | DynamicIn
)
MODELS: Final[Mapping[str, type[AnyPrice]]] = {
    "flat": FlatIn, "per_unit": PerUnitIn, "graduated": GraduatedIn, "volume": VolumeIn, "package": PackageIn,
    "percentage": PercentageIn, "graduated_percentage": GraduatedPercentageIn, "matrix": MatrixIn,
    "dynamic": DynamicIn,
}


class ModelName(BaseModel):
    """Which model a price has; what else it has depends on that."""

    model: Literal[
        "flat", "per_unit", "graduated", "volume", "package", "percentage", "graduated_percentage", "matrix", "dynamic"
    ]


def picked(value: object) -> AnyPrice:
    """Read a price by its `model`, so that paths in refusals name fields and nothing else."""
    return MODELS[ModelName.model_validate(value).model].model_validate(value)


PriceIn = Annotated[
    AnyPrice, PlainValidator(picked, json_schema_input_type=Annotated[AnyPrice, Field(discriminator="model")])
]


def _said(schema: Schema) -> dict[str, Any]:  # Any: decimals, or None where that means something
    """What a schema's author said; a null is as good as nothing, except for the end of the last tier."""
    fields = {name: getattr(schema, name) for name in type(schema).model_fields}
    return {name: value for name, value in fields.items() if value is not None or name == "up_to"}


def document(price: PriceFields, meter: str | None, currency: Currency) -> dict[str, Any]:  # Any: JSON
    """A lawful price as it is stored and shown: as it was sent, numbers in canonical form, nulls left out.

    meter     the key of the meter that the price names
    currency  the plan's: a fee, a minimum and a maximum are shown with its own decimals
    """
    said: dict[str, Any] = _as_json(price.model_dump(exclude_unset=True))  # Any: JSON
    for name in MONEY:
        if (amount := getattr(price, name, None)) is not None:
            said[name] = money(amount, currency)
    return said | {"meter": meter} if meter is not None else said


def _as_json(value: Any) -> Any:  # Any: what a model holds, and JSON
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items() if item is not None or name == "up_to"}
    return value
