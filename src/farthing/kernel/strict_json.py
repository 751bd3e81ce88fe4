"""JSON in and out without losing a digit: literal numbers, no NaN, no key twice, bounded depth and width."""

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from farthing.kernel.problems import FieldError, Invalid, Malformed, TooLarge

MOST_KEYS: Final = 10_000  # in one object
MOST_NESTED: Final = 100
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")

type_names: Final = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


class JsonNumber:
    """A number as its author wrote it, digit for digit; plain, because a body may hold a million of them."""

    __slots__ = ("literal",)

    def __init__(self, literal: str) -> None:
        self.literal = literal

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonNumber) and self.literal == other.literal

    def __hash__(self) -> int:
        return hash(self.literal)

    def __repr__(self) -> str:
        return f"JsonNumber({self.literal!r})"


def loads(raw: bytes) -> object:
    """What a JSON text says, its numbers as JsonNumber.

    raises Malformed for what is not JSON (NaN, a key twice, broken UTF-8), TooLarge for an object of more
    than 10,000 keys, Invalid for text that no store can hold (NUL, lone surrogates), naming where it is
    """
    value = decoded(raw)
    if may_be_unstorable(raw) and (error := unstorable(value)):
        raise Invalid(f"{error.field or 'The body'} {error.message.replace('must not contain', 'contains')}.", [error])
    return value


def decoded(raw: bytes) -> object:
    """The same without a look at what its texts contain; for whoever asks `unstorable` part by part."""
    try:
        value = _decoder.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    except RecursionError as error:
        raise Malformed(f"The body is nested deeper than {MOST_NESTED} levels.") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at character {error.pos}.") from error
    if raw.count(b"[") + raw.count(b"{") > MOST_NESTED and _depth(value) > MOST_NESTED:
        raise Malformed(f"The body is nested deeper than {MOST_NESTED} levels.")
    return value


def may_be_unstorable(raw: bytes) -> bool:
    """Whether a JSON text has an escape that could stand for NUL or a lone surrogate."""
    return b"\\u0000" in raw or b"\\ud" in raw.lower()


def dumps(value: object) -> bytes:
    """JSON with numbers as they were written; objects keep their order, and lone surrogates stay escaped."""
    text = _literal(value) if _has_numbers(value) else _encoder.encode(value)
    return text.encode("utf-8", "backslashreplace")


def _has_numbers(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_numbers(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_numbers(item) for item in value)
    return isinstance(value, JsonNumber)


def _literal(value: object) -> str:
    if isinstance(value, JsonNumber):
        return value.literal
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encoder.encode(name)}:{_literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_literal(item) for item in value) + "]"
    return _encoder.encode(value)


def canonical(value: object) -> str:
    """One text for all JSON that says the same: keys sorted, no white space, 1.0 like 1.00 and 1e0."""
    return _canonical.encode(value)


def canonical_literal(literal: str) -> str:
    """A JSON number without needless zeros; one beyond all limits stays as it is written."""
    mantissa, _, exponent = literal.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    shift = (int(exponent) if exponent and len(exponent) < 8 else 0) - len(fraction)
    if exponent and len(exponent) >= 8:
        return literal.lower()
    trimmed = digits.rstrip("0")
    shift += len(digits) - len(trimmed)
    sign = "-" if literal.startswith("-") and trimmed else ""
    return f"{sign}{trimmed}e{shift}" if trimmed else "0e0"


def kind(value: object) -> str:
    """What JSON calls this value."""
    return "number" if isinstance(value, (JsonNumber, int)) and not isinstance(value, bool) else type_names[type(value)]


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"The body is not JSON: {name} is no JSON number.")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MOST_KEYS:
        raise TooLarge(f"An object of the body has {len(pairs)} keys; the most is {MOST_KEYS}.")
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"The body has the duplicate key {twice[:80]!r} in one object.")
    return found


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in inner for item in items]
    return depth


def _strings(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield path, name
            yield from _strings(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(item, f"{path}[{number}]")


def unstorable(value: object) -> FieldError | None:
    """The first text in a value that no store can hold, because of NUL or a lone surrogate."""
    for path, text in _strings(value, ""):
        if bad := UNSTORABLE.search(text):
            what = "the character NUL" if bad[0] == "\0" else "a lone surrogate"
            field = path.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
            return FieldError(field, f"must not contain {what}")
    return None


def _plain_number(value: object) -> str:
    if isinstance(value, JsonNumber):
        return canonical_literal(value.literal)
    raise TypeError(f"{type(value).__name__} is not JSON")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_refuse_constant
)
_encoder: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_canonical: Final = json.JSONEncoder(
    ensure_ascii=True, separators=(",", ":"), allow_nan=False, sort_keys=True, default=_plain_number
)
