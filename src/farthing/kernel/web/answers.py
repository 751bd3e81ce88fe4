"""What a view's value becomes on the wire."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, request
from pydantic import BaseModel

from farthing.kernel.cache.values import Found, Kept
from farthing.kernel.pagination import Page
from farthing.kernel.schemas import Shown
from farthing.kernel.web.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that needs more than its model: another status, headers, a body of another kind."""

    body: BaseModel | Kept | bytes | Iterator[bytes] | None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


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
