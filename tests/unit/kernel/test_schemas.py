"""What a model found wrong, as its sender reads it."""

from typing import Literal

import pytest

from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.schemas import InstantIn, Integer, Schema, parsed

INSTANT = 'an RFC 3339 date and time with an offset, such as "2026-10-01T12:00:00Z"'
TEXT = 'an RFC 3339 date and time as a string, "2026-10-01T12:00:00Z"'


class Moved(Schema):
    """A field that may be one of some words, or a time."""

    at: Literal["now", "period_end"] | InstantIn
    count: Integer | None = None


@pytest.mark.parametrize(("at", "second"), [("soon", INSTANT), ("", INSTANT), (True, TEXT), (None, TEXT), ({}, TEXT)])
def test_a_field_that_may_be_this_or_that_is_named_once(at: object, second: str) -> None:
    with pytest.raises(Invalid) as refused:
        parsed(Moved, {"at": at})
    message = f"must be 'now' or 'period_end', or {second}"
    assert list(refused.value.errors) == [FieldError("at", message)]
    assert refused.value.detail == f"at {message}."


def test_other_fields_are_named_beside_it() -> None:
    with pytest.raises(Invalid) as refused:
        parsed(Moved, {"at": "soon", "count": "x", "more": 1})
    assert [error.field for error in refused.value.errors] == ["at", "count", "more"]


def test_what_is_one_of_them_is_taken() -> None:
    assert parsed(Moved, {"at": "period_end"}).at == "period_end"
