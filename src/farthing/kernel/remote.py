"""Asking a room that runs elsewhere: its protocol over HTTP, with patience that ends.

A connection is used again and again; what does not answer is tried again with jitter where that is safe, and left
alone by a breaker when it goes on. The request's id and trace go along, and so does its caller's token; the
process itself is known by a short token of its own.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import structlog
import urllib3
from flask import g, has_request_context

from farthing.kernel.breaker import Breaker
from farthing.kernel.crossing import shape_of
from farthing.kernel.problems import FieldError, Malformed, Refusal, Unavailable, refusal_named
from farthing.kernel.strict_json import JsonNumber, loads

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 3.0  # callers may hold a transaction meanwhile
ONCE: Final = urllib3.Retry(total=False, redirect=False)
CALLER: Final = "Farthing-Caller"
BAD_OWN_TOKEN: Final = (401, 403)
log = structlog.get_logger("farthing")


class _Again(urllib3.Retry):
    """Tries again what broke, and not what took too long: that has cost all the patience there is."""

    def increment(self, method: Any = None, url: Any = None, response: Any = None, error: Any = None, *rest: Any,
                  **more: Any) -> "_Again":  # Any: as urllib3 declares it
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *rest, **more)


AGAIN: Final = _Again(  # for what reads, or changes nothing when it is done twice
    total=2, backoff_factor=0.05, backoff_jitter=0.1, status_forcelist=(502, 503, 504), allowed_methods=None,
    respect_retry_after_header=False, raise_on_status=False, redirect=False,
)


class RoomAway(Unavailable):
    """A service that this call depends on does not answer."""

    def __init__(self, room: str) -> None:
        super().__init__(f"The service {room} does not answer; try again.")


class Passport(Protocol):
    """Gives the process's own token."""

    def token(self) -> str:
        """One that is good for minutes still; raises Unavailable."""

    def refused(self, token: str) -> None:
        """This one was not taken: get another next time."""


def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=1, maxsize=32, block=False, retries=ONCE)


@dataclass(frozen=True, slots=True)
class Wire:
    """Requests to one address: kept connections, time-outs and a breaker."""

    room: str
    at: str
    pool: urllib3.PoolManager = field(default_factory=_pool)
    breaker: Breaker = field(default_factory=Breaker)

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, again: bool = True,
        seconds: float = ANSWER_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        """The answer, whatever its status but one that says that nobody is there; raises RoomAway.

        again    whether the request may be sent a second time when no answer came
        seconds  how long an answer may take
        """
        if not self.breaker.admits():
            raise RoomAway(self.room)
        try:
            answer = self.pool.request(
                method, self.at + path, body=body, headers=dict(headers) | passed_on(),
                retries=AGAIN if again else ONCE, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
            )
        except urllib3.exceptions.HTTPError as error:
            self.breaker.failed()
            log.warning("service away", room=self.room, error=str(error)[:300])
            raise RoomAway(self.room) from error
        if answer.status in (502, 504):
            self.breaker.failed()
            raise RoomAway(self.room)
        self.breaker.succeeded()
        return answer


@dataclass(frozen=True, slots=True)
class Remote:
    """One room, asked on this process's own account; the caller's token goes along.

    seconds  how long an answer may take
    """

    wire: Wire
    passport: Passport
    seconds: float = ANSWER_SECONDS

    def ask(self, method: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the room answers to this call of its protocol; raises its refusals, RoomAway."""
        return self._asked(method, True, *args, **kwargs)

    def version(self) -> str:
        """Where the room answers; raises RoomAway where it does not."""
        self.wire.send("GET", "/healthz", {}, again=False)
        return self.wire.at

    def tell(self, method: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for a call that must not be sent twice by itself; raises its refusals, RoomAway."""
        return self._asked(method, False, *args, **kwargs)

    def _asked(self, method: Callable[Concatenate[Any, P], R], again: bool, *args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature(method).bind(None, *args, **kwargs)
        bound.apply_defaults()
        arguments = {name: value for name, value in bound.arguments.items() if name != "self"}
        shape = shape_of(method)
        body = shape.request(arguments)
        path = f"/internal/{self.wire.room}/{method.__name__}"
        answer = self._sent(path, body, again)
        if answer.status in BAD_OWN_TOKEN:  # nothing was done: once more with a new token
            answer = self._sent(path, body, again)
        if answer.status != 200:
            raise self._refusal(path, answer)
        try:
            result: R = shape.result(answer.data)
        except Malformed as error:
            log.error("service not understood", room=self.wire.room, call=path, reason=error.detail[:300])
            raise RoomAway(self.wire.room) from error
        return result

    def _sent(self, path: str, body: bytes, again: bool) -> urllib3.BaseHTTPResponse:
        token = self.passport.token()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} | callers_token()
        answer = self.wire.send("POST", path, headers, body, again, self.seconds)
        if answer.status in BAD_OWN_TOKEN:
            self.passport.refused(token)
        return answer

    def _refusal(self, path: str, answer: urllib3.BaseHTTPResponse) -> Refusal:
        refusal = None if answer.status in BAD_OWN_TOKEN else refusal_from(answer)
        if refusal is None:
            log.error("service refused", room=self.wire.room, call=path, status=answer.status, answer=answer.data[:500])
            return RoomAway(self.wire.room)
        return refusal


def refusal_from(answer: urllib3.BaseHTTPResponse) -> Refusal | None:
    """The refusal that a problem+json answer tells, as the class that it was; None where it tells none."""
    try:
        said = loads(answer.data)
    except Malformed:
        return None
    kind = refusal_named(said.get("type"), answer.status) if isinstance(said, dict) else None
    if kind is None or not isinstance(said, dict):
        return None
    refusal = kind.__new__(kind)
    Refusal.__init__(refusal, str(said.get("detail", "")), [_field_error(one) for one in said.get("errors", [])])
    if (after := answer.headers.get("Retry-After", "")).isdigit():
        refusal.retry_after = int(after)
    return refusal


def _field_error(said: Mapping[str, object]) -> FieldError:
    index = said.get("index")
    place = int(index.literal) if isinstance(index, JsonNumber) else None
    return FieldError(str(said.get("field", "")), str(said.get("message", "")), place)


def passed_on() -> dict[str, str]:
    """The id and the trace of the request under way, if there is one (W3C Trace Context: a new parent id)."""
    if not has_request_context() or "request_id" not in g:
        return {}
    version, trace, _, flags = g.traceparent.split("-")
    return {"X-Request-ID": g.request_id, "traceparent": f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"}


def callers_token() -> dict[str, str]:
    """The token of the caller of the request under way, if there is one."""
    token = g.get("bearer") if has_request_context() else None
    return {CALLER: token} if token else {}
