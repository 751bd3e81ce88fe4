"""The journal over the wire."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from farthing.kernel.clock import NotAnInstant, instant_from
from farthing.kernel.schemas import Query


def _moment(value: object) -> date | datetime:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
        return instant_from(str(value))
    except (NotAnInstant, ValueError) as error:
        raise PydanticCustomError(
            "day", 'must be a day such as "2026-10-01", or an RFC 3339 instant of it with an offset'
        ) from error


Moment = Annotated[
    date | datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["2026-10-01"]})
]


class JournalQuery(Query):
    """Which accounting days, half-open, in the organisation's time zone; and in which format."""

    since: Moment | None = Field(None, alias="from")
    before: Moment | None = Field(None, alias="to")
    format: Literal["csv", "beancount"] | None = None
