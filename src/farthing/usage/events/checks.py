"""Whether one event keeps the rules: attributes of CloudEvents 1.0, and the values that meters need."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from farthing.catalog import Meter
from farthing.kernel.clock import NotAnInstant, instant_from
from farthing.kernel.problems import FieldError
from farthing.kernel.strict_json import JsonNumber, kind, unstorable
from farthing.pricing.arithmetic import NotADecimal, decimal_from
from farthing.usage.events.values import AHEAD, Event
from farthing.usage.quantities.reading import Unusable, counts, properties_of, value_of

LONGEST: Final = 255  # characters of source, id, type and subject
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
EXTENSION: Final = re.compile(r"[a-z0-9]{1,80}", re.ASCII)
HARMLESS: Final = re.compile(r"-?[0-9.]{1,30}", re.ASCII)  # a literal that is within all limits as it stands
KNOWN: Final = frozenset({"id", "source", "type", "subject", "time", "data", "specversion"})
PLAIN_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a batch is held against.

    cloudevents  whether specversion and source must be there
    suspicious   whether a text may hold what no store can
    now          the organisation's time
    meters       those that look at a value, by event type
    """

    cloudevents: bool
    suspicious: bool
    now: datetime
    meters: Mapping[str, Sequence[Meter]]


class _Wrong(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.error = FieldError(field, message)


def checked(sent: object, rules: Rules) -> tuple[Event | None, list[FieldError]]:
    """The event that was sent, or all that is wrong with it, field by field."""
    if not isinstance(sent, dict):
        return None, [FieldError("", f"must be an object, not {kind(sent)}")]
    if rules.suspicious and (error := unstorable(sent)):
        return None, [error]
    errors: list[FieldError] = []
    found: dict[str, object] = {}
    for name, read in PARTS.items():
        try:
            found[name] = read(sent, rules)
        except _Wrong as wrong:
            errors.append(wrong.error)
    if errors:
        return None, errors
    event = Event(**found)  # type: ignore[arg-type]  # PARTS has the fields of Event, each of its type
    errors = _unusable(event, rules)
    return (None, errors) if errors else (event, [])


def _source(sent: Mapping[str, object], rules: Rules) -> str:
    version = sent.get("specversion")
    if version is None and rules.cloudevents:
        raise _Wrong("specversion", "is required")
    if version is not None and version != "1.0":
        raise _Wrong("specversion", 'must be "1.0"')
    source = sent.get("source")
    if source is None and not rules.cloudevents:
        return ""
    return _attribute(sent, "source", 1 if rules.cloudevents else 0)


def _attribute(sent: Mapping[str, object], name: str, shortest: int = 1) -> str:
    value = sent.get(name)
    if value is None:
        raise _Wrong(name, "is required")
    if not isinstance(value, str):
        raise _Wrong(name, f"must be a string, not {kind(value)}")
    if not shortest <= len(value) <= LONGEST:
        raise _Wrong(name, f"must have {shortest} to {LONGEST} characters")
    if not value.isprintable() and CONTROL.search(value):
        raise _Wrong(name, "must not contain control characters")
    return value


def _subject(sent: Mapping[str, object], rules: Rules) -> str:
    subject = _attribute(sent, "subject")
    if not subject.isascii():
        subject = unicodedata.normalize("NFC", subject)  # as keys are
    return subject


def _time(sent: Mapping[str, object], rules: Rules) -> datetime | None:
    value = sent.get("time")
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Wrong("time", 'must be an RFC 3339 date and time as a string, such as "2026-10-01T12:00:00Z"')
    try:
        time = instant_from(value)
    except NotAnInstant as error:
        raise _Wrong("time", str(error)) from error
    if time - rules.now > AHEAD:
        raise _Wrong("time", "must be at most 24 hours ahead of the present")
    return time


def _data(sent: Mapping[str, object], rules: Rules) -> Mapping[str, object] | None:
    data = sent.get("data")
    if data is None:
        return None
    if not isinstance(data, dict):
        raise _Wrong("data", f"must be an object, not {kind(data)}")
    for name, value in data.items():
        if isinstance(value, (JsonNumber, dict, list)):
            _check_numbers(f"data.{name}", value)
    return data


def _check_numbers(path: str, value: object) -> None:
    if isinstance(value, JsonNumber):
        if not HARMLESS.fullmatch(value.literal):
            try:
                decimal_from(value.literal)
            except NotADecimal as error:
                raise _Wrong(path, str(error).rstrip(".")) from error
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_numbers(f"{path}.{name}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check_numbers(f"{path}[{number}]", item)


def _extensions(sent: Mapping[str, object], rules: Rules) -> Mapping[str, object]:
    if sent.keys() <= KNOWN:
        return {}
    extensions = {name: value for name, value in sent.items() if name not in KNOWN and value is not None}
    for name, value in extensions.items():
        if name == "data_base64":
            raise _Wrong(name, "is not taken; send data as a JSON object")
        if not EXTENSION.fullmatch(name):
            raise _Wrong(name[:80], "is unknown, and no CloudEvents extension, which has lower-case letters and digits")
        if isinstance(value, (dict, list)) or (isinstance(value, str) and len(value) > 2000):
            raise _Wrong(name, "must be a string of at most 2000 characters, a number, true or false")
        _check_numbers(name, value)
    if extensions.get("datacontenttype") == PLAIN_JSON:
        del extensions["datacontenttype"]  # what is meant without it
    return extensions


PARTS: Final[Mapping[str, Callable[[Mapping[str, object], Rules], object]]] = {
    "source": _source,
    "id": lambda sent, rules: _attribute(sent, "id"),
    "type": lambda sent, rules: _attribute(sent, "type"),
    "subject": _subject,
    "time": _time,
    "data": _data,
    "extensions": _extensions,
}


def _unusable(event: Event, rules: Rules) -> list[FieldError]:
    errors = []
    for meter in rules.meters.get(event.type, ()):
        try:
            value_of(meter, event.data)
        except Unusable as error:
            if counts(meter, properties_of(event.data)):
                errors.append(FieldError(f"data.{meter.value}", str(error)))
    return errors
