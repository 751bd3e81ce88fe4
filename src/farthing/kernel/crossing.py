"""Values between services: what a protocol's call takes and gives, as JSON that loses no digit.

The types are those of the protocol itself, so that both ends agree by construction. Numbers cross with their
literal digits: a decimal never becomes a binary float, and a text of digits stays a text.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from inspect import Parameter, signature
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from farthing.kernel.clock import instant_text
from farthing.kernel.problems import Malformed
from farthing.kernel.strict_json import JsonNumber, dumps

Method = Callable[..., Any]  # Any: a call of a room's protocol, whatever it takes and gives


@dataclass(frozen=True, slots=True)
class Shape:
    """What one call takes, by name in the order of its parameters, and what it gives."""

    takes: Mapping[str, TypeAdapter[Any]]  # Any: the types of the protocol
    needed: frozenset[str]  # the others have a default, which an older caller means by not naming them
    gives: TypeAdapter[Any]  # Any: as above

    def request(self, arguments: Mapping[str, object]) -> bytes:
        return packed(dict(arguments))

    def arguments(self, body: bytes) -> dict[str, Any]:  # Any: as the protocol says
        """What a request says; raises Malformed."""
        said = _loaded(body)
        if not isinstance(said, dict) or not self.needed <= said.keys() <= self.takes.keys():
            raise Malformed(f"This call takes {', '.join(self.takes)}.")
        try:
            return {name: self.takes[name].validate_python(value) for name, value in said.items()}
        except (ValidationError, ValueError) as error:
            raise Malformed(f"The call cannot be read: {error}.") from error

    def result(self, body: bytes) -> Any:  # Any: as the protocol says
        """What an answer says; raises Malformed."""
        try:
            return self.gives.validate_python(_loaded(body))
        except (ValidationError, ValueError) as error:
            raise Malformed(f"The answer cannot be read: {error}.") from error


@cache
def shape_of(method: Method) -> Shape:
    """The shape of a protocol's call, from its annotations."""
    hints = get_type_hints(method)
    parameters = {name: one for name, one in signature(method).parameters.items() if name != "self"}
    needed = frozenset(name for name, one in parameters.items() if one.default is Parameter.empty)
    return Shape({name: _adapter(hints[name]) for name in parameters}, needed, _adapter(hints["return"]))


def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: a type of the protocol
    if get_origin(kind) is Collection:  # which is read as a list
        kind = list.__class_getitem__(get_args(kind))
    return TypeAdapter(kind)


def packed(value: object) -> bytes:
    """A value as JSON."""
    return dumps(_plain(value))


def _plain(value: object) -> object:
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, str) else value  # an enumeration's text is a text
        case int() | Decimal():
            return JsonNumber(str(value))
        case datetime():
            return instant_text(value)
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case tuple() if hasattr(value, "_asdict"):
            return _plain(value._asdict())
        case tuple() | list() | set() | frozenset():
            return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} does not cross between services")


def _loaded(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"Not JSON: {error}.") from error
