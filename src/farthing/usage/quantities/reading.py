"""How a meter reads an event: whether it counts, its value and its properties (rules 16 and 17)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from farthing.catalog import Meter
from farthing.kernel.strict_json import JsonNumber, kind
from farthing.pricing.aggregation import Aggregation, Properties
from farthing.pricing.arithmetic import NotADecimal, decimal_from, plain

Data = Mapping[str, object] | None  # JSON, numbers as JsonNumber or int
SHORT: Final = 10**18  # whole numbers below it are their own canonical text, and need no look at their digits
_decode: Final = msgspec.json.Decoder(float_hook=JsonNumber).decode


def data_of(text: str | None) -> Data:
    """An event's data as it was stored, which was checked when it came."""
    return None if text is None else _decode(text)


class Unusable(Exception):
    """A value that is there, but that the meter cannot count; the message says why."""


Value = Decimal | str | None  # of an event for one meter; None does not count


def counts(meter: Meter, properties: Properties) -> bool:
    """Whether the meter's filter lets an event of its type pass."""
    return all(properties.get(name) in allowed for name, allowed in meter.filter.items())


def properties_of(data: Data) -> Properties:
    """The scalar properties as canonical text: `1.0` like `1`; a null one is None, like a missing one (rule 17)."""
    if data is None:
        return {}
    return {name: text_of(value) for name, value in data.items() if not isinstance(value, (dict, list))}


def text_of(value: object) -> str | None:
    """The canonical text of a JSON scalar."""
    if isinstance(value, str) or value is None:
        return value
    if type(value) is int:
        return str(value) if -SHORT < value < SHORT else plain(decimal_from(str(value)))
    if isinstance(value, JsonNumber):
        return plain(decimal_from(value.literal))
    return "true" if value else "false"


def value_of(meter: Meter, data: Data) -> Value:
    """The value of an event for a meter; missing or null is None, and so is every one for count (rule 17).

    raises  Unusable for what is not a number, or for unique_count not a scalar
    """
    if meter.aggregation is Aggregation.COUNT or data is None or meter.value is None:
        return None
    value = data.get(meter.value)
    if value is None:
        return None
    if meter.aggregation is Aggregation.UNIQUE_COUNT:
        if isinstance(value, (dict, list)):
            raise Unusable(f"must be a string, a number, true or false for the meter {meter.key}, not an {kind(value)}")
        return text_of(value)
    if isinstance(value, str) and len(value) < 18 and value.isascii() and value.isdigit() and value[0] != "0":
        return Decimal(value)
    text = value.literal if isinstance(value, JsonNumber) else str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise Unusable(f"must be a number for the meter {meter.key}, not {kind(value)}")
    try:
        return decimal_from(text)
    except NotADecimal as error:
        raise Unusable(f"must be a number for the meter {meter.key}; {str(error).rstrip('.')}") from error
