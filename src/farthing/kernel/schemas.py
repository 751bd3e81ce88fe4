"""What goes over the wire: strict models, and the few field types that keep digits and instants exact."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from farthing.kernel.clock import NotAnInstant, instant_from, instant_text
from farthing.kernel.ids import LOOKS_LIKE_AN_ID
from farthing.kernel.pagination import LIMIT, MOST
from farthing.kernel.problems import FieldError, Invalid, NotAvailableYet, Refusal
from farthing.kernel.strict_json import JsonNumber
from farthing.pricing.arithmetic import NotADecimal, decimal_from

INTEGER: Final = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)


class Schema(BaseModel):
    """Input: nothing unknown, nothing coerced; `later` names fields of the interface not built yet."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    later: ClassVar[Mapping[str, object]] = {}  # by field: the value that means nothing and so may be sent

    @model_validator(mode="before")
    @classmethod
    def _refuse_later(cls, data: Any) -> Any:  # Any: pydantic's own signature
        if not isinstance(data, dict) or not cls.later:
            return data
        for name in [name for name in cls.later if name in data]:
            if data[name] not in (None, [], {}, cls.later[name]):
                raise PydanticCustomError("not_available_yet", "is not available yet", {"name": name})
        return {name: value for name, value in data.items() if name not in cls.later}


class Shown(BaseModel):
    """Output; `optional` names the fields that are left out when there is nothing to say."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, defer_build=True)
    optional: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:  # Any: any JSON
        shown = cast("dict[str, Any]", handler(self))
        return {name: value for name, value in shown.items() if value is not None or name not in self.optional}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What may be left out is not required, and what has a default is always there."""
        shape = handler(schema)
        fields = handler.resolve_ref_schema(shape)
        fields["required"] = [name for name in fields.get("properties", {}) if name not in cls.optional]
        return shape


def _decimal(value: object) -> Decimal:
    text = value.literal if isinstance(value, JsonNumber) else value
    if not isinstance(text, str):
        raise PydanticCustomError("decimal", 'must be a decimal such as "12.5", as a string or a JSON number')
    try:
        return decimal_from(text)
    except NotADecimal as error:
        raise PydanticCustomError("decimal", "{why}", {"why": str(error)}) from error


def _integer(value: object) -> object:
    text = value.literal if isinstance(value, JsonNumber) else None
    if text is None or not INTEGER.fullmatch(text):
        raise PydanticCustomError("integer", "must be a whole number such as 3")
    return int(text)


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("instant", 'must be an RFC 3339 date and time as a string, "2026-10-01T12:00:00Z"')
    try:
        return instant_from(value)
    except NotAnInstant as error:
        raise PydanticCustomError("instant", "{why}", {"why": str(error)}) from error


def _text(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in value):
        raise PydanticCustomError("text", "must not contain control characters")
    return value


def _metadata(value: object) -> str | int | bool | None:
    if isinstance(value, JsonNumber):
        return cast("int", _integer(value))
    if isinstance(value, str) and len(value) <= 1000:
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    message = "must be a string of at most 1000 characters, a whole number, true, false or null"
    raise PydanticCustomError("metadata", message)


def _key(value: str) -> str:
    key = unicodedata.normalize("NFC", value)
    if LOOKS_LIKE_AN_ID.match(key):
        raise PydanticCustomError("key", "must not begin like an identifier ({start})", {"start": key[:4]})
    if key != key.strip() or any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in "@/" for c in key):
        raise PydanticCustomError("key", "must not contain control characters, @ or /, nor begin or end with a space")
    return key


Exactly = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    WithJsonSchema({"type": ["string", "number"], "format": "decimal", "examples": ["12.5"]}),
]
Integer = Annotated[int, BeforeValidator(_integer), WithJsonSchema({"type": "integer"})]
InstantIn = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
InstantOut = Annotated[datetime, PlainSerializer(instant_text, return_type=str)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_text)]
Paragraph = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_text)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_key)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=255)]
MetadataName = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_text)]
MetadataValue = Annotated[str | int | bool | None, BeforeValidator(_metadata)]
Metadata = Annotated[dict[MetadataName, MetadataValue], Field(max_length=50)]


class Query(Schema):
    """The query string: everything arrives as text."""


def _limit(value: object) -> object:
    if not isinstance(value, str) or not INTEGER.fullmatch(value) or not 1 <= int(value) <= MOST:
        raise PydanticCustomError("limit", "must be a whole number from 1 to {most}", {"most": MOST})
    return int(value)


def _yes_or_no(value: object) -> object:
    if value not in ("true", "false"):
        raise PydanticCustomError("boolean", "must be true or false")
    return value == "true"


Flag = Annotated[bool, BeforeValidator(_yes_or_no)]


class ListQuery(Query):
    """What every list takes."""

    limit: Annotated[int, BeforeValidator(_limit)] = LIMIT
    after: Annotated[str, StringConstraints(max_length=1000)] | None = None


M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], data: object) -> M:
    """The model that the data makes; raises Invalid (or NotAvailableYet) naming each field, value and rule."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise refusal_of(error.errors(include_url=False)) from error


def refusal_of(details: Sequence[ErrorDetails]) -> Refusal:
    """What a model found, as one refusal."""
    errors = _once([FieldError(_path(_location(detail)), _message(detail)) for detail in details])
    for detail in details:
        if detail["type"] == "not_available_yet":
            return NotAvailableYet(_path(_location(detail)), errors)
    first = errors[0]
    return Invalid(f"{first.field or 'The body'} {first.message}.", errors)


MESSAGES: Final = {
    "missing": "is required",
    "extra_forbidden": "is unknown or cannot be set",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
KINDS_IN_PATHS: Final = re.compile(r"function-|tagged-|constrained-|nullable|literal\[|\[key\]")


def _once(errors: Sequence[FieldError]) -> list[FieldError]:
    """One for each field: what may be this or that is told what each of them must be."""
    told: dict[str, list[str]] = {}
    for error in errors:
        told.setdefault(error.field, []).append(error.message)
    return [
        FieldError(field, ", or ".join([said[0], *(other.removeprefix("must be ") for other in said[1:])]))
        for field, said in told.items()
    ]


def _message(detail: ErrorDetails) -> str:
    told = detail["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    message = MESSAGES.get(detail["type"]) or told
    return message[0].lower() + message[1:] if message[:2] != message[:2].upper() else message


def _location(detail: ErrorDetails) -> tuple[int | str, ...]:
    return (*detail["loc"], detail["ctx"]["name"]) if detail["type"] == "not_available_yet" else detail["loc"]


def _path(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not KINDS_IN_PATHS.match(part):
            path += f".{part}" if path else part
    return path


def merged(target: object, patch: object) -> object:
    """RFC 7396: `patch` laid over `target`, a whole resource; null takes a member away.

    Null for a field that the resource does not have stays, so that its model refuses it by name.
    """
    found = _laid(target, patch)
    if isinstance(target, dict) and isinstance(patch, dict) and isinstance(found, dict):
        found |= {name: None for name in patch if patch[name] is None and name not in target}
    return found


def _laid(target: object, patch: object) -> object:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _laid(result.get(name), value)
    return result


def resent(model: type[BaseModel], value: object) -> dict[str, object]:
    """A stored value as its author would send it again, for a merge patch to be laid over."""
    return {name: _as_sent(getattr(value, name)) for name in model.model_fields}


def _as_sent(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _as_sent(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_sent(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return JsonNumber(str(value))
    return value
