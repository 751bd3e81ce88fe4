"""The reads that are asked for most, answered in front of Flask when everything for them is in hand.

An answer from here is the one Flask would give, a test sends the same requests through both. Whatever is out of the
ordinary goes on to Flask: a credential not seen before, an answer that is not kept, a header that could change it.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from werkzeug.http import http_date

from farthing.kernel.application import HEADERS, REQUEST_ID, TRACEPARENT
from farthing.kernel.cache.answers import Answers
from farthing.kernel.cache.values import HIT, Kept
from farthing.kernel.clock import instant_from, stamp, ticks
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.ids import mark
from farthing.kernel.telemetry import AccessLog, Telemetry

Environ = dict[str, Any]  # Any: as WSGI has it
Start = Callable[..., Any]  # Any: likewise
Application = Callable[[Environ, Start], Iterable[bytes]]
Known = Callable[[str], Caller | None]  # the holder of a credential that was checked a short while ago

INVOICES: Final = "/v1/invoices/"
ROUTE: Final = "/v1/invoices/<reference>"
REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
TAG: Final = re.compile(r'"\d{1,19}"', re.ASCII)
UNUSUAL: Final = frozenset({  # headers by which Flask might answer otherwise
    *("HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE"),
    *("HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"),
})
SAME: Final = tuple(HEADERS.items())


class Hot:
    """A WSGI application: `GET /v1/invoices/{id or number}` from what is kept, all else from the one behind it."""

    def __init__(
        self, behind: Application, known: Known, answers: Answers, counters: Telemetry, log: AccessLog
    ) -> None:
        self._behind = behind
        self._known = known
        self._answers = answers
        self._log = log
        self._answered = counters.requests.answered

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET" or not environ["PATH_INFO"].startswith(INVOICES):
            return self._behind(environ, start)
        began = ticks()
        caller = self._caller(environ)
        kept = None if caller is None else self._kept(caller, environ)
        if caller is None or kept is None:
            return self._behind(environ, start)
        return self._shown(environ, start, began, caller, kept)

    def _caller(self, environ: Environ) -> Caller | None:
        """Who may read, where nothing about the request is unusual."""
        kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        plain = kind == "Bearer" and not environ.get("QUERY_STRING") and UNUSUAL.isdisjoint(environ)
        if not plain or environ.get("CONTENT_LENGTH", "") not in ("", "0"):
            return None
        if not TAG.fullmatch(environ.get("HTTP_IF_NONE_MATCH", '"0"')):
            return None
        caller = self._known(token)
        return caller if caller is not None and caller.may(Scope.READ) else None

    def _kept(self, caller: Caller, environ: Environ) -> Kept | None:
        reference = environ["PATH_INFO"][len(INVOICES) :]
        if not REFERENCE.fullmatch(reference):
            return None
        try:
            return self._answers.peek(caller.organization, reference)
        except Exception:  # whatever the store raises, Flask asks it again and tells
            return None

    def _shown(self, environ: Environ, start: Start, began: float, caller: Caller, kept: Kept) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else f"req_{mark(24)}"
        now = stamp()
        tag = f'"{kept.version}"'
        same = environ.get("HTTP_IF_NONE_MATCH") == tag
        headers = [
            ("Cache-Status", HIT), ("ETag", tag), ("Date", _date(now[:19])), ("X-Request-ID", request_id), *SAME,
        ]
        if same:
            start("304 NOT MODIFIED", headers)
        else:
            length = str(len(kept.body))
            start("200 OK", [("Content-Type", "application/json"), ("Content-Length", length), *headers])
        status, seconds = 304 if same else 200, ticks() - began
        self._answered("GET", ROUTE, status, seconds)
        traceparent = environ.get("HTTP_TRACEPARENT", "")
        trace = traceparent[3:35] if TRACEPARENT.fullmatch(traceparent) else mark(32)
        self._log(now, "GET", ROUTE, status, seconds, request_id, trace, caller.organization)
        return [] if same else [kept.body]


@lru_cache(2)
def _date(second: str) -> str:
    """The HTTP form of a moment of the log."""
    return http_date(instant_from(f"{second}Z"))
