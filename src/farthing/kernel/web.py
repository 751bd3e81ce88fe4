"""HTTP: what an endpoint is, and the one way from a request to an answer.

A room's routes are plain functions with a declared body, query, answer and scope. Credentials and scope are
checked first, then the body is parsed, the function called, and its value becomes the answer.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from pydantic import BaseModel

from farthing.kernel.audit.acting import Actor, acting_as
from farthing.kernel.cache.values import Found, Kept
from farthing.kernel.credentials import Authenticate, Caller, Scope
from farthing.kernel.pagination import Page
from farthing.kernel.problems import Malformed, NotFound, Stale, TooLarge, Unauthenticated, WrongMediaType
from farthing.kernel.schemas import Query, Schema, Shown, parsed
from farthing.kernel.strict_json import loads

NO_BODY: Final[Mapping[str, object]] = {}
MOST_BYTES: Final = 1024 * 1024  # of a body, unless the endpoint says otherwise
JSON_TYPES: Final = ("application/json", "application/merge-patch+json")

Needed: TypeAlias = Scope | Literal["any"] | None
ANY_SCOPE: Final = "any"  # for every caller, whatever it may do; None: open to everybody

View = Callable[..., Any]  # Any: a route takes what its declaration says and gives a model, an Answer or None
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that needs more than its model: another status, headers, a body of another kind."""

    body: BaseModel | Kept | bytes | Iterator[bytes] | None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path, as it is served and as `/openapi.json` tells it."""

    method: str
    path: str
    view: View
    scope: Needed
    body: type[Schema] | None
    query: type[Query] | None
    answer: type[BaseModel] | None
    status: int
    paged: bool
    raw: Mapping[str, object]  # media types of a body that the view reads by itself, each with its JSON Schema
    tag: str
    most_bytes: int
    media: Sequence[str] = ()  # of an answer that is no JSON

    @property
    def name(self) -> str:
        return f"{self.tag}.{self.view.__name__}"

    @property
    def summary(self) -> str:
        return (self.view.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Routes:
    """The endpoints of one noun, collected by decorators and put into the application by `register`."""

    tag: str
    endpoints: list[Endpoint] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> Callable[[View], View]:  # Any: the fields of Endpoint
        return self._add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[View], View]:  # Any: the fields of Endpoint
        return self._add("POST", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[View], View]:  # Any: the fields of Endpoint
        return self._add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[View], View]:  # Any: the fields of Endpoint
        return self._add("DELETE", path, **{"status": 204} | options)

    def _add(
        self, method: str, path: str, *, scope: Needed, body: type[Schema] | None = None,
        query: type[Query] | None = None, answer: type[BaseModel] | None = None, status: int = 200,
        paged: bool = False, raw: Mapping[str, object] = NO_BODY, most_bytes: int = MOST_BYTES,
        media: Sequence[str] = (),
    ) -> Callable[[View], View]:
        def add(view: View) -> View:
            self.endpoints.append(Endpoint(
                method, path, view, scope, body, query, answer, status, paged, raw, self.tag, most_bytes,
                media,
            ))
            return view

        return add


def register(app: Flask, endpoints: Sequence[Endpoint], authenticate: Authenticate) -> None:
    """Serve these endpoints; everything an answer needs is declared beside its function."""
    for endpoint in endpoints:
        view = partial(_serve, endpoint, authenticate)
        app.add_url_rule(endpoint.path, endpoint.name, view, methods=[endpoint.method])


def provided(kind: type[S]) -> S:
    """The service of this kind that the composition root made."""
    return cast(S, current_app.extensions["farthing"][kind])


def _serve(endpoint: Endpoint, authenticate: Authenticate, **path: str) -> Response:
    request.max_content_length = endpoint.most_bytes
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
    by_tag = current_app.extensions.get("farthing_idempotency")
    if endpoint.method != "POST" or by_tag is None:
        return _call(endpoint, arguments)
    idempotency = by_tag.get(endpoint.tag, by_tag[""])  # an answer is kept in the store of its work
    return cast(Response, idempotency(arguments.get("caller"), partial(_call, endpoint, arguments)))


def _call(endpoint: Endpoint, arguments: dict[str, Any]) -> Response:  # Any: as in _serve
    if endpoint.query is not None:
        arguments["query"] = parsed(endpoint.query, _query())
    elif request.args and not endpoint.raw:
        parsed(Query, _query())
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


def bearer(authenticate: Authenticate) -> Caller:
    """Whose token the request carries, which goes along to other services; raises Unauthenticated."""
    g.bearer = bearer_token()
    return authenticate(g.bearer)


def bearer_token() -> str:
    """The token that the request carries; raises Unauthenticated."""
    header = request.headers.get("Authorization", "")
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated("This call needs a bearer token: an API key, or the access token of a login.")
    return token.strip()


def _query() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Malformed(f"The query gives {name[:80]} more than once.")
        if "\0" in values[0]:
            raise Malformed(f"The query's {name[:80]} contains the character NUL.")
        found[name] = values[0]
    return found


def body_bytes(media_types: Sequence[str]) -> bytes:
    """The body, when it is of one of these media types; raises WrongMediaType, TooLarge."""
    if request.mimetype not in media_types:
        given = request.mimetype or "none"
        raise WrongMediaType(f"The body's media type is {given}; this call takes {', '.join(media_types)}.")
    return request.get_data()


def accepted(media_types: Sequence[str]) -> str:
    """The one of these that the caller would rather have; the first where it does not say."""
    return request.accept_mimetypes.best_match(media_types, media_types[0])


def json_body() -> object:
    """The JSON body with every digit as sent; raises WrongMediaType, Malformed, TooLarge, Invalid."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongMediaType("This call takes no Content-Encoding.")
    if parsed_before := getattr(g, "json_body", None):
        return parsed_before[0]
    g.json_body = (loads(body_bytes(JSON_TYPES)),)
    return g.json_body[0]


def respond(endpoint: Endpoint, value: object) -> Response:
    """The answer that a view's value makes, with ETag and 304 where the resource has a version."""
    answer = value if isinstance(value, Answer) else Answer(cast("BaseModel | None", value))
    status = answer.status or endpoint.status
    response = Response(status=status)
    for name, text in answer.headers:
        response.headers[name] = text
    if isinstance(answer.body, bytes):
        response.data = answer.body
        return response
    if isinstance(answer.body, Iterator):
        response.response = _streamed(answer.body)
        return response
    if isinstance(answer.body, Kept):
        return _shown(response, answer.body.body, answer.body.version, endpoint.method)
    if answer.body is None:
        response.headers.pop("Content-Type", None)
        return response
    version = getattr(answer.body, "etag", getattr(answer.body, "version", None))
    return _shown(response, rendered(answer.body), version, endpoint.method)


def _streamed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first made at once, so that what fails before it still gets an answer of its own."""
    first = next(pieces, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()


def _shown(response: Response, body: bytes, version: int | str | None, method: str) -> Response:
    """JSON, with the ETag of its version and 304 for who has it already."""
    response.data = body
    response.content_type = "application/json"
    if version is not None:
        response.set_etag(str(version))
        if method == "GET":
            response.make_conditional(request)
    return response


def rendered(model: BaseModel) -> bytes:
    """A model as the JSON of its answer."""
    text = json.dumps(model.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


@dataclass(frozen=True, slots=True)
class Precondition:
    """What `If-Match` demands of the version about to be changed (RFC 9110)."""

    tags: frozenset[str]
    any: bool

    def demand(self, version: int | str) -> None:
        """Raises Stale unless this version, or what stands for it in the ETag, is one of those named."""
        if not self.any and str(version) not in self.tags:
            raise Stale(f"If-Match does not name the current version, which is \"{version}\".")


UNCONDITIONAL: Final = Precondition(frozenset(), True)


def precondition() -> Precondition:
    """The request's own; without the header everything passes, and a weak tag never does."""
    if "If-Match" not in request.headers:
        return UNCONDITIONAL
    tags = request.if_match
    return Precondition(frozenset(tags.as_set()), tags.star_tag)


class ListShown(Shown):
    """The shape of every list."""

    data: list[Any]  # Any: the list's own model, told apart in /openapi.json
    next: str | None


def shown(page: Page[Any], show: Callable[[Any], BaseModel]) -> ListShown:  # Any: the room's own value
    """A page of a room's values, each as its model."""
    return ListShown(data=[show(row) for row in page.data], next=page.next)


def created(body: BaseModel, path: str) -> Answer:
    """201 with the `Location` of what was made."""
    return Answer(body, 201, (("Location", path),))


def kept(found: Found) -> Answer:
    """A finished answer, and whether it was kept already (RFC 9211)."""
    return Answer(found.kept, headers=(("Cache-Status", found.cache_status),))


def refuse_too_large(limit: int) -> TooLarge:
    """What a body over the endpoint's limit is answered."""
    return TooLarge(f"The body is larger than {limit} bytes.")
