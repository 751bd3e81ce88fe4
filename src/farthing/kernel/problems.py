"""Refusals: the few kinds that rooms subclass, and the one table that maps them to HTTP (RFC 9457)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


class Misconfigured(Exception):
    """The operator's settings cannot work; the message names setting, value and rule."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the input; `index` counts from 0 within a batch."""

    field: str
    message: str
    index: int | None = None


class Refusal(Exception):
    """A request that is not carried out, with a sentence for its author: the thing, its state, the rule."""

    retry_after: int | None = None  # seconds

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Malformed(Refusal):
    """Cannot be parsed at all."""


class Unauthenticated(Refusal):
    """No credentials, or bad ones."""


class Forbidden(Refusal):
    """Known, but not allowed."""


class NotFound(Refusal):
    """Not there, or another organisation's, which must look the same."""


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""


class Conflict(Refusal):
    """Against the present state: a key taken, a wrong status."""


class Stale(Refusal):
    """`If-Match` names a version that is no longer the current one."""


class TooLarge(Refusal):
    """More than the stated limit."""


class WrongMediaType(Refusal):
    """A body of a kind that this call does not take."""


class Invalid(Refusal):
    """Well-formed, but against a rule."""


class NotAvailableYet(Refusal):
    """A field or call of the interface whose effect has not been built."""

    def __init__(self, name: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(f"{name} is not available yet.", errors)


class TooMany(Refusal):
    """Too many requests; come back after `retry_after` seconds."""

    retry_after = 1


class Unavailable(Refusal):
    """Something this call depends on does not answer."""

    retry_after = 1


class Overtaken(Unavailable):
    """Somebody else changed the same thing in between, again and again."""

    def __init__(self) -> None:
        super().__init__("Others go on changing the same thing; nothing was stored.")


ANSWERS: Final[Mapping[type[Refusal], tuple[int, str]]] = {
    Malformed: (400, "Malformed request"),
    Unauthenticated: (401, "Unauthorized"),
    Forbidden: (403, "Forbidden"),
    NotFound: (404, "Resource not found"),
    MethodNotAllowed: (405, "Method not allowed"),
    Conflict: (409, "Conflict"),
    Stale: (412, "Precondition failed"),
    TooLarge: (413, "Too large"),
    WrongMediaType: (415, "Unsupported media type"),
    Invalid: (422, "Invalid input"),
    NotAvailableYet: (422, "Not available yet"),
    TooMany: (429, "Too many requests"),
    Unavailable: (503, "Service unavailable"),
}


def status_and_title(kind: type[Refusal]) -> tuple[int, str]:
    """The HTTP status and title of a refusal: those of the nearest kind in the table."""
    return next(ANSWERS[base] for base in kind.__mro__ if base in ANSWERS)


def problem_type(kind: type[Refusal]) -> str:
    """A stable name for programs, from the class's own: InvoiceNotDraft is `invoice-not-draft`."""
    return "urn:farthing:problem:" + re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def refusal_named(name: object, status: int) -> type[Refusal] | None:
    """The kind of refusal that another service told by its problem type, or else by its status."""
    kinds = [Refusal]
    for kind in kinds:
        kinds += kind.__subclasses__()
    named = next((kind for kind in kinds if problem_type(kind) == name), None)
    return named or next((kind for kind, (code, _) in ANSWERS.items() if code == status), None)


def problem(refusal: Refusal, request_id: str) -> dict[str, object]:
    """The RFC 9457 body of a refusal."""
    status, title = status_and_title(type(refusal))
    title = getattr(refusal, "title", title)
    body: dict[str, object] = {
        "type": problem_type(type(refusal)),
        "title": title,
        "status": status,
        "detail": refusal.detail,
        "error": title,
        "request_id": request_id,
    }
    if refusal.errors:
        body["errors"] = [
            ({} if error.index is None else {"index": error.index})
            | {"field": error.field, "message": error.message}
            for error in refusal.errors
        ]
    return body
