"""Events over the wire. What comes in is checked in `checks.py`, by hand: a model an event would be too slow."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from farthing.kernel.clock import instant_text
from farthing.kernel.schemas import Flag, InstantIn, InstantOut, ListQuery, Query, Reference, Schema, Shown
from farthing.kernel.strict_json import decoded
from farthing.usage.events.values import Ingested, KeptRejection, Listed

Attribute = Annotated[str, StringConstraints(max_length=255)]


class IngestQuery(Query):
    """What becomes of bad events: they fail the batch, or with `skip` are kept apart with their reason."""

    on_error: Literal["fail", "skip"] = "fail"


class IngestedOut(Shown):
    """What became of a batch."""

    optional: ClassVar[frozenset[str]] = frozenset({"conflict_ids"})
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    conflict_ids: list[str] | None

    @classmethod
    def of(cls, done: Ingested) -> "IngestedOut":
        return cls(
            accepted=done.accepted, duplicates=done.duplicates, conflicts=done.conflicts,
            rejected=len(done.rejected), conflict_ids=list(done.conflict_ids) or None,
        )


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 255}
_DATA: Final = {"type": ["object", "null"], "description": "what meters look at; numbers keep their digits"}
_PLAIN: Final = {
    "type": "object", "required": ["id", "type", "subject"],
    "properties": {
        "id": _TEXT, "type": _TEXT, "source": {"type": "string", "maxLength": 255}, "data": _DATA,
        "subject": _TEXT | {"description": "customer or subscription, key or id"},
        "time": {"type": "string", "format": "date-time", "description": "the time of arrival when left out"},
        "specversion": {"const": "1.0"},
    },
}
_CLOUD: Final = _PLAIN | {"required": ["specversion", "source", "id", "type", "subject"]}
BODIES: Final = {
    "application/json": {"oneOf": [
        _PLAIN, {"type": "array", "items": _PLAIN},
        {"type": "object", "required": ["events"], "properties": {"events": {"type": "array", "items": _PLAIN}}},
    ]},
    "application/cloudevents+json": _CLOUD,
    "application/cloudevents-batch+json": {"type": "array", "items": _CLOUD},
    "application/x-ndjson": {"type": "string", "description": "an event a line"},
}
"""What `POST /v1/events` takes, as `/openapi.json` tells it; the binary mode has attributes in `ce-` headers."""


class VoidIn(Schema):
    """The event to take out."""

    source: Attribute = ""
    id: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class VoidedOut(Shown):
    """An event that counts no longer."""

    id: str
    source: str
    voided_at: InstantOut


class EventQuery(ListQuery):
    """What narrows the list; `from` and `to` are about the event's time."""

    customer: Reference | None = None
    type: Attribute | None = None
    start: Annotated[InstantIn | None, Field(alias="from")] = None
    end: Annotated[InstantIn | None, Field(alias="to")] = None
    unusable: Flag = False


class UnusableOut(Shown):
    """Why a meter cannot count an event."""

    meter: str
    meter_key: str
    reason: str


class EventOut(Shown):
    """A stored event."""

    optional: ClassVar[frozenset[str]] = frozenset({"unusable", "extensions"})
    id: str
    source: str
    type: str
    subject: str
    time: InstantOut
    received_at: InstantOut
    data: dict[str, Any] | None  # Any: the sender's own JSON, digit for digit
    extensions: dict[str, Any] | None  # Any: likewise
    customer: str | None
    customer_key: str | None
    subscription: str | None
    voided: bool
    unusable: list[UnusableOut] | None


class ErrorOut(Shown):
    """What is wrong with a field."""

    field: str
    message: str


class RejectedOut(Shown):
    """An event that was not stored."""

    id: str
    received_at: InstantOut
    event: Any  # Any: what was sent
    errors: list[ErrorOut]


def event_shown(listed: Listed) -> dict[str, object]:
    """An event as EventOut says, with every digit of its data."""
    event = listed.event
    shown: dict[str, object] = {
        "id": event.id, "source": event.source, "type": event.type, "subject": event.subject,
        "time": instant_text(event.time), "received_at": instant_text(event.received_at), "data": _exact(event.data),
        "customer": event.customer, "customer_key": listed.customer_key, "subscription": event.subscription,
        "voided": listed.voided,
    }
    if event.extensions is not None:
        shown["extensions"] = _exact(event.extensions)
    if listed.unusable:
        shown["unusable"] = [
            {"meter": meter.id, "meter_key": meter.key, "reason": reason} for meter, reason in listed.unusable
        ]
    return shown


def rejection_shown(rejection: KeptRejection) -> dict[str, object]:
    """A rejected event as RejectedOut says, with every digit."""
    return {
        "id": rejection.id, "received_at": instant_text(rejection.received_at), "event": _exact(rejection.event),
        "errors": [dict(error) for error in rejection.errors],
    }


def _exact(text: str | None) -> object:
    return None if text is None else decoded(text.encode("utf-8"))
