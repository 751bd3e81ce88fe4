"""The one way from a request to an answer.

Credentials and scope are checked first, then the body is parsed, the function called, and its value becomes the
answer.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Literal, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from farthing.kernel.audit.acting import Actor, acting_as
from farthing.kernel.credentials import Authenticate, Caller, Scope
from farthing.kernel.database import again_if_stopped
from farthing.kernel.problems import NotFound
from farthing.kernel.schemas import Query, Schema, parsed
from farthing.kernel.web.answers import respond
from farthing.kernel.web.endpoints import Endpoint
from farthing.kernel.web.requests import bearer, json_body, query

FORM: Final = "multipart/form-data"  # whose files go to the disk, where all other bodies are held in memory
MOST_IN_MEMORY: Final = 10 * 1024 * 1024
S = TypeVar("S")


def register(app: Flask, endpoints: Sequence[Endpoint], authenticate: Authenticate) -> None:
    """Serve these endpoints; everything an answer needs is declared beside its function."""
    for endpoint in endpoints:
        view = partial(_serve, endpoint, authenticate)
        app.add_url_rule(endpoint.path, endpoint.name, view, methods=[endpoint.method])


def provided(kind: type[S]) -> S:
    """The service of this kind that the composition root made."""
    return cast(S, current_app.extensions["farthing"][kind])


def _serve(endpoint: Endpoint, authenticate: Authenticate, **path: str) -> Response:
    most = endpoint.most_bytes if request.mimetype == FORM else min(endpoint.most_bytes, MOST_IN_MEMORY)
    request.max_content_length = most
    arguments: dict[str, Any] = dict(path)  # Any: whatever the view's own parameters are
    if endpoint.scope is not None:
        arguments["caller"] = g.caller = _caller(endpoint.scope, authenticate)
    if any("\0" in part for part in path.values()):  # which no name has, and PostgreSQL does not even look for
        raise NotFound("There is nothing at this path: it contains the character NUL.")
    with acting_as(_actor(endpoint, arguments.get("caller"))):
        return _once(endpoint, arguments)


def _actor(endpoint: Endpoint, caller: Caller | None) -> Actor:
    call = f"{endpoint.method} {endpoint.path}"
    return Actor("service", "", call) if caller is None else Actor(caller.kind, caller.id, call)


def _once(endpoint: Endpoint, arguments: dict[str, Any]) -> Response:  # Any: as in _serve
    if endpoint.method == "GET":
        return _call(endpoint, arguments)
    return again_if_stopped(partial(_answered_once, endpoint, arguments))


def _answered_once(endpoint: Endpoint, arguments: dict[str, Any]) -> Response:  # Any: as in _serve
    by_tag = current_app.extensions.get("farthing_idempotency")
    if endpoint.method != "POST" or by_tag is None:
        return _call(endpoint, arguments)
    idempotency = by_tag.get(endpoint.tag, by_tag[""])  # an answer is kept in the store of its work
    return cast(Response, idempotency(arguments.get("caller"), partial(_call, endpoint, arguments)))


def _call(endpoint: Endpoint, arguments: dict[str, Any]) -> Response:  # Any: as in _serve
    if endpoint.query is not None:
        arguments["query"] = parsed(endpoint.query, query())
    elif request.args and not endpoint.raw:
        parsed(Query, query())
    if endpoint.body is not None:
        arguments["body"] = parsed(endpoint.body, {} if _left_out(endpoint.body) else json_body())
    elif endpoint.method in ("PATCH",):
        arguments["patch"] = json_body()
    elif endpoint.method == "POST" and not endpoint.raw and request.get_data():
        parsed(Schema, json_body())
    return respond(endpoint, endpoint.view(**arguments))


def _left_out(model: type[Schema]) -> bool:
    """Whether there is no body, and none is needed."""
    return not request.get_data() and not any(one.is_required() for one in model.model_fields.values())


def _caller(scope: Scope | Literal["any"], authenticate: Authenticate) -> Caller:
    caller = bearer(authenticate)
    if isinstance(scope, Scope):
        caller.demand(scope)
    return caller
