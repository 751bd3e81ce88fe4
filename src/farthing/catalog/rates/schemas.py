"""What a price would charge, over the wire."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from farthing.catalog.prices.schemas import AnyPrice, PriceIn, picked
from farthing.kernel.parties import CurrencyCode
from farthing.kernel.schemas import Exactly, Line, Schema, Shown
from farthing.kernel.strict_json import JsonNumber
from farthing.pricing.arithmetic import NotADecimal, decimal_from, plain


def _named(value: object) -> AnyPrice:
    """A price that is only tried out needs no name, and nothing is billed yet."""
    unsaid = {"key": "price", "name": "Price", "billing": "in_arrears"}
    return picked(unsaid | value if isinstance(value, dict) else value)


def _text(value: object) -> str | None:
    """A property as text, a number by its canonical digits (rule 17)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, JsonNumber):
        raise PydanticCustomError("property", "must be a string, a number, true, false or null")
    try:
        return plain(decimal_from(value.literal))
    except NotADecimal as error:
        raise PydanticCustomError("property", "{why}", {"why": str(error)}) from error


PropertyText = Annotated[
    Annotated[str, StringConstraints(max_length=1000)] | None, BeforeValidator(_text),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class RatedEventIn(Schema):
    """An event with its amount, and the properties that a price may look at."""

    quantity: Exactly
    properties: Annotated[dict[Line, PropertyText], Field(max_length=100)] = {}


class RateIn(Schema):
    """A price and either a quantity or events."""

    price: Annotated[AnyPrice, PlainValidator(_named, json_schema_input_type=PriceIn)]
    currency: CurrencyCode
    quantity: Exactly | None = None
    events: Annotated[list[RatedEventIn], Field(max_length=10_000)] | None = None


class RateStepOut(Shown):
    """A part of the amount."""

    optional: ClassVar[frozenset[str]] = frozenset({"tier", "unit_amount", "flat_amount"})
    tier: int | None
    quantity: str
    unit_amount: str | None
    flat_amount: str | None
    amount: str
    note: str


class RateOut(Shown):
    """An amount as an invoice line would have it, before rounding, and how it came about."""

    amount: str
    exact: str
    steps: list[RateStepOut]
