"""What an event is, and the refusals about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farthing.catalog import Meter
from farthing.kernel.problems import FieldError, Invalid, NotFound

AHEAD: Final = timedelta(hours=24)  # that an event's time may lie in the future
MOST_EVENTS: Final = 10_000  # in one call


@dataclass(frozen=True, slots=True)
class Event:
    """An event that keeps all rules, as it was sent.

    time        in UTC; None when it was left out and the time of arrival is meant
    data        JSON, numbers as JsonNumber; None when there is none
    extensions  attributes of CloudEvents that mean nothing here, kept as they are
    """

    source: str
    id: str
    type: str
    subject: str
    time: datetime | None
    data: Mapping[str, object] | None
    extensions: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as it arrived, not looked at yet.

    index    its place in the batch, or the number of its line in a file
    value    JSON, numbers as JsonNumber; where it could not be read, its text
    problem  why it could not be read
    """

    index: int
    value: object
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was not stored, and why."""

    index: int
    value: object
    errors: Sequence[FieldError]
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch; every event is in one of the four."""

    accepted: int
    duplicates: int
    conflicts: int  # that say something else than the first with their source and id
    conflict_ids: Sequence[str]
    rejected: Sequence[Rejected] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is listed."""

    seq: int
    source: str
    id: str
    type: str
    subject: str
    time: datetime
    received_at: datetime
    data: str | None  # JSON, digit for digit
    extensions: str | None  # likewise
    customer: str | None
    subscription: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An event with what is known about it now; `unusable` says which meters cannot count it, and why."""

    event: StoredEvent
    customer_key: str | None
    voided: bool
    unusable: Sequence[tuple[Meter, str]]


@dataclass(frozen=True, slots=True)
class KeptRejection:
    """A rejected event as it is listed; `event` is JSON."""

    id: str
    received_at: datetime
    event: str
    errors: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Voided:
    """An event that is out of every aggregate, and since when."""

    id: str
    source: str
    voided_at: datetime


class BadEvents(Invalid):
    """A batch with an event against the rules: nothing of it was stored."""

    def __init__(self, rejected: Sequence[Rejected]) -> None:
        errors = [error for one in rejected for error in one.errors]
        first = errors[0]
        what = f"{len(rejected)} events are" if len(rejected) > 1 else "One event is"
        super().__init__(
            f"{what} against the rules and nothing was stored; the first is event {first.index}: "
            f"{first.field or 'it'} {first.message}.", errors,
        )


class EventNotFound(NotFound):
    """No event with this source and id was ever stored."""

    def __init__(self, source: str, id: str) -> None:
        super().__init__(f"There is no event with the source {source[:120]!r} and the id {id[:120]!r}.")
