"""Log-ins over the wire."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, cast

from pydantic import StringConstraints

from farthing.identity.tokens.access import LIVES
from farthing.identity.tokens.keys import SigningKey
from farthing.identity.tokens.values import Grant, Me
from farthing.kernel.schemas import Line, Schema, Shown


class LoginIn(Schema):
    """A username and its password."""

    username: Line
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class RefreshIn(Schema):
    """The refresh token of the answer before."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class GrantOut(Shown):
    """An access token for the next minutes, and what gets the one after it."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int  # seconds

    @classmethod
    def of(cls, grant: Grant) -> "GrantOut":
        seconds = int(LIVES.total_seconds())
        return cls(access_token=grant.access_token, refresh_token=grant.refresh_token, expires_in=seconds)


class MeOut(Shown):
    """The caller."""

    optional: ClassVar[frozenset[str]] = frozenset({"username"})
    kind: Literal["user", "key"]
    id: str
    username: str | None
    organization: str
    organization_name: str
    scopes: list[str]

    @classmethod
    def of(cls, me: Me) -> "MeOut":
        return cls(
            kind=cast("Literal['user', 'key']", me.caller.kind), id=me.caller.id, username=me.username,
            organization=me.organization.id, organization_name=me.organization.name, scopes=sorted(me.caller.scopes),
        )


class KeyOut(Shown):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class KeySetOut(Shown):
    """The keys that verify access tokens (RFC 7517)."""

    keys: list[KeyOut]

    @classmethod
    def of(cls, keys: Sequence[SigningKey]) -> "KeySetOut":
        return cls(keys=[KeyOut.model_validate(key.jwk) for key in keys])
