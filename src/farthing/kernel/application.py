"""The Flask application around all rooms: request ids, problems, headers, health, metrics and documents."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from farthing.kernel import telemetry
from farthing.kernel.credentials import Authenticate
from farthing.kernel.ids import mark
from farthing.kernel.problems import (
    Malformed,
    MethodNotAllowed,
    NotAvailableYet,
    NotFound,
    Refusal,
    TooLarge,
    Unavailable,
    problem,
    status_and_title,
)
from farthing.kernel.strict_json import dumps
from farthing.kernel.web import bearer

REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

Check = Callable[[], str]  # a dependency's version in words; raises when it does not answer
NOTHING: Final[Mapping[str, Check]] = {}
log = structlog.get_logger("farthing")


def new_application(
    checks: Mapping[str, Check], counters: telemetry.Telemetry, helpful: Mapping[str, Check] = NOTHING
) -> Flask:
    """An application with no room in it yet.

    checks   what it cannot do without
    helpful  what it goes on without, though not with everything
    """
    app = Flask("farthing", static_folder=None)
    app.url_map.strict_slashes = False
    app.before_request(_begin)
    app.after_request(lambda response: _end(response, counters))
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _crashed)
    _add_health(app, checks, helpful, counters)
    return app


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{mark(24)}"
    traceparent = request.headers.get("traceparent", "")
    g.traceparent = traceparent if TRACEPARENT.fullmatch(traceparent) else _new_trace()
    g.began = time.perf_counter()


def _new_trace() -> str:
    return f"00-{mark(32)}-{mark(16)}-01"


def _end(response: Response, counters: telemetry.Telemetry) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    seconds = time.perf_counter() - g.began
    route = request.url_rule.rule if request.url_rule else "unknown"
    counters.answered(request.method, route, response.status_code, seconds)
    caller = getattr(g, "caller", None)
    log.info(
        "request", method=request.method, route=route, status=response.status_code, ms=round(seconds * 1000, 2),
        request_id=g.request_id, trace=g.traceparent[3:35], organization=caller.organization if caller else None,
    )
    return response


def _refused(refusal: Refusal) -> Response:
    status, _ = status_and_title(type(refusal))
    return _problem_response(problem(refusal, g.request_id), status, refusal.retry_after)


def _problem_response(body: dict[str, object], status: int, retry_after: int | None = None) -> Response:
    response = Response(dumps(body), status, content_type="application/problem+json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _http_exception(error: HTTPException) -> Response:
    """What Flask itself refuses: no such path, wrong method, a body that is too large or cut off."""
    if isinstance(error, RequestEntityTooLarge):
        return _refused(TooLarge("The body is larger than this call takes."))
    if isinstance(error, WrongMethod):
        response = _refused(MethodNotAllowed(f"{request.method} is not allowed here."))
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response
    if error.code is not None and error.code >= 500:  # whoever was to tell of a failure failed too
        return _internal_error()
    if error.code == 404:
        return _refused(NotFound(f"There is nothing at {request.path[:200]}."))
    return _refused(Malformed(error.description or "The request cannot be read."))


def _crashed(error: Exception) -> Response:
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and _passing(error)):
        log.warning("store unavailable", error=str(error.__cause__ or error), request_id=g.request_id)
        return _refused(Unavailable("The database does not answer or is busy; nothing was stored."))
    if isinstance(error, RecursionError):
        return _refused(Malformed("The body is nested too deeply."))
    log.exception("internal error", request_id=g.request_id)
    return _internal_error()


def _internal_error() -> Response:
    body: dict[str, object] = {
        "type": "about:blank", "title": "Internal server error", "status": 500,
        "detail": "This should not have happened; the log tells more under the request id.",
        "error": "Internal server error", "request_id": g.request_id,
    }
    return _problem_response(body, 500)


def _passing(error: DBAPIError) -> bool:
    """Whether the store is gone or busy rather than the statement wrong."""
    return error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")


def _add_health(
    app: Flask, checks: Mapping[str, Check], helpful: Mapping[str, Check], counters: telemetry.Telemetry
) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return Response(b'{"status":"ok"}', content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        results = {name: _checked(check) for name, check in checks.items()}
        ready = all(result["status"] == "ok" for result in results.values())
        results |= {name: _checked(check) for name, check in helpful.items()}
        whole = all(result["status"] == "ok" for result in results.values())
        status = ("ok" if whole else "degraded") if ready else "unavailable"
        body = dumps({"status": status, "dependencies": results})
        headers = {} if ready else {"Retry-After": "1"}
        return Response(body, 200 if ready else 503, headers, content_type="application/json")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(counters.exposed(), content_type=telemetry.CONTENT_TYPE)


def _checked(check: Check) -> dict[str, str]:
    try:
        return {"status": "ok", "version": check()}
    except Exception as error:  # whatever a driver raises, the dependency does not answer
        return {"status": "unavailable", "reason": type(error).__name__}


def not_available_yet(app: Flask, calls: Sequence[tuple[str, str]], authenticate: Authenticate) -> None:
    """Answer the calls of the interface that are not built yet by naming them (422), never by silence."""

    def refuse(call: str, **path: str) -> Response:
        g.caller = bearer(authenticate)
        raise NotAvailableYet(call)

    for method, path in calls:
        call = f"{method} {re.sub('<one>', '{id}', path)}"
        app.add_url_rule(path, f"later {call}", partial(refuse, call), methods=[method])
