"""What an endpoint is: a method on a path, with its declared body, query, answer and scope."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from farthing.kernel.credentials import Scope
from farthing.kernel.schemas import Query, Schema

NO_BODY: Final[Mapping[str, object]] = {}
MOST_BYTES: Final = 1024 * 1024  # of a body, unless the endpoint says otherwise

Needed: TypeAlias = Scope | Literal["any"] | None
ANY_SCOPE: Final = "any"  # for every caller, whatever it may do; None: open to everybody

View = Callable[..., Any]  # Any: a route takes what its declaration says and gives a model, an Answer or None


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
