"""API keys over the wire."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from farthing.identity.api_keys.values import ApiKey
from farthing.kernel.schemas import InstantOut, Line, Schema, Shown

ScopeName = Literal["read", "write", "ingest", "admin"]


class ApiKeyIn(Schema):
    """A key to be made."""

    name: Line | None = None
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=4)]


class ApiKeyOut(Shown):
    """A key; its secret only in the answer that made it."""

    optional: ClassVar[frozenset[str]] = frozenset({"secret"})
    id: str
    name: str | None
    scopes: list[str]
    hint: str
    created_at: InstantOut
    secret: str | None = None

    @classmethod
    def of(cls, key: ApiKey, secret: str | None = None) -> "ApiKeyOut":
        return cls(
            id=key.id, name=key.name, scopes=sorted(key.scopes), hint=key.hint, created_at=key.created_at,
            secret=secret,
        )
