"""The calls that come most often, answered in front of Flask when everything for them is in hand.

An answer from here is the one Flask would give, a test sends the same requests through both. Whatever is out of the
ordinary goes on to Flask: a credential not seen before, an answer that is not kept, a header that could change it,
and what was raised here, which Flask puts into words.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from werkzeug.http import http_date

from farthing.kernel.access_log import AccessLog, Answered
from farthing.kernel.application import HEADERS, REQUEST_ID, TRACEPARENT
from farthing.kernel.audit.acting import Actor, acting_as
from farthing.kernel.cache.answers import Answers
from farthing.kernel.cache.values import HIT, Kept
from farthing.kernel.clock import machine_nanoseconds, ticks
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.ids import mark
from farthing.kernel.telemetry import Telemetry
from farthing.kernel.web import RAISED

Environ = dict[str, Any]  # Any: as WSGI has it
Start = Callable[..., Any]  # Any: likewise
Application = Callable[[Environ, Start], Iterable[bytes]]
Known = Callable[[str], Caller | None]  # the holder of a credential that was checked a short while ago
Header = tuple[str, str]

INVOICES: Final = "/v1/invoices/"
INVOICE: Final = "/v1/invoices/<reference>"
EVENTS: Final = "/v1/events"
PLAIN: Final = frozenset({"application/json", "application/json; charset=utf-8"})
UNUSUAL: Final = frozenset({  # headers by which Flask might answer otherwise
    *("HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE"),
    *("HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_CONTENT_ENCODING", "HTTP_IDEMPOTENCY_KEY"),
})
TAG: Final = re.compile(r'"\d{1,19}"', re.ASCII)
ATTRIBUTES: Final = "HTTP_CE_"  # headers that say what an event is
SAME: Final = tuple(HEADERS.items())
JSON: Final = ("Content-Type", "application/json")
KEPT: Final = ("Cache-Status", HIT)
STATUS: Final = {200: "200 OK", 304: "304 NOT MODIFIED"}


@dataclass(frozen=True, slots=True)
class Taking:
    """How events are taken in.

    most_bytes  of a body
    take        stores the events of a body of plain JSON, and gives the answer
    """

    most_bytes: int
    take: Callable[[Caller, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests come in, and when this one did, in ticks."""

    method: str
    route: str
    began: float


class Hot:
    """A WSGI application: the reads of `answers` and the events for `taking`, all else from the one behind it.

    answers, taking  None where this process does not serve them
    """

    def __init__(
        self, behind: Application, known: Known, answers: Answers | None, taking: Taking | None,
        counters: Telemetry, log: AccessLog,
    ) -> None:
        self._behind = behind
        self._known = known
        self._answers = answers
        self._taking = taking
        self._counted = counters.requests.answered
        self.log = log

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        method, path, answer = environ["REQUEST_METHOD"], environ["PATH_INFO"], None
        if method == "GET" and path.startswith(INVOICES):
            answer = self._invoice(self._answers, environ, start)
        elif method == "POST" and path == EVENTS:
            answer = self._events(self._taking, environ, start)
        return self._behind(environ, start) if answer is None else answer

    def _invoice(self, answers: Answers | None, environ: Environ, start: Start) -> list[bytes] | None:
        """`GET /v1/invoices/{id or number}` from what is kept."""
        place = Place("GET", INVOICE, ticks())
        caller = None if answers is None else self._caller(environ, Scope.READ)
        if answers is None or caller is None or environ.get("CONTENT_LENGTH", "") not in ("", "0"):
            return None
        kept = _kept(answers, caller, environ["PATH_INFO"][len(INVOICES) :])
        if kept is None:
            return None
        tag, asked = f'"{kept.version}"', environ.get("HTTP_IF_NONE_MATCH")
        if asked is not None and not TAG.fullmatch(asked):
            return None
        now = machine_nanoseconds()
        told = [KEPT, ("ETag", tag), ("Date", _date(now // 1_000_000_000))]
        if asked == tag:
            self._answer(environ, start, place, caller, 304, told)
            return []
        self._answer(environ, start, place, caller, 200, [*told, JSON, ("Content-Length", str(len(kept.body)))])
        return [kept.body]

    def _events(self, taking: Taking | None, environ: Environ, start: Start) -> list[bytes] | None:
        """`POST /v1/events` with a body of plain JSON."""
        place = Place("POST", EVENTS, ticks())
        length = environ.get("CONTENT_LENGTH", "")
        if taking is None or not (length.isascii() and length.isdigit()) or int(length) > taking.most_bytes:
            return None
        if environ.get("CONTENT_TYPE") not in PLAIN or any(name.startswith(ATTRIBUTES) for name in environ):
            return None
        caller = self._caller(environ, Scope.INGEST)
        if caller is None:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        if len(body) != int(length):
            return None
        try:
            with acting_as(Actor(caller.kind, caller.id, "POST /v1/events")):
                answer = taking.take(caller, body)
        except Exception as error:  # whatever it is, Flask has the words for it
            environ[RAISED] = error
            return None
        self._answer(environ, start, place, caller, 200, [JSON, ("Content-Length", str(len(answer)))])
        return [answer]

    def _caller(self, environ: Environ, scope: Scope) -> Caller | None:
        """Who calls and may do so, where nothing about the request is unusual."""
        header = environ.get("HTTP_AUTHORIZATION", "")
        if not header.startswith("Bearer ") or environ.get("QUERY_STRING") or not UNUSUAL.isdisjoint(environ):
            return None
        caller = self._known(header[7:])
        return caller if caller is not None and caller.may(scope) else None

    def _answer(
        self, environ: Environ, start: Start, place: Place, caller: Caller, status: int, headers: list[Header]
    ) -> None:
        """Begin the answer, count it and log it as Flask's are."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if given and REQUEST_ID.fullmatch(given) else f"req_{mark(24)}"
        start(STATUS[status], [*headers, ("X-Request-ID", request_id), *SAME])
        seconds = ticks() - place.began
        self._counted(place.method, place.route, status, seconds)
        parent = environ.get("HTTP_TRACEPARENT", "")
        trace = parent[3:35] if parent and TRACEPARENT.fullmatch(parent) else mark(32)
        self.log(Answered(
            machine_nanoseconds(), place.method, place.route, status, seconds, request_id, trace, caller.organization
        ))


def _kept(answers: Answers, caller: Caller, reference: str) -> Kept | None:
    if "/" in reference or not reference.isascii():
        return None
    try:
        return answers.peek(caller.organization, reference)
    except Exception:  # whatever the store raises, Flask asks it again and tells
        return None


@lru_cache(2)
def _date(second: int) -> str:
    """The HTTP form of a second since 1970."""
    return http_date(second)
