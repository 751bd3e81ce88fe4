"""Access tokens: signed JWTs (RFC 9068 in spirit) that any service verifies by itself, offline."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from farthing.identity.tokens.keys import KeyRing
from farthing.identity.users.values import User
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.problems import Unauthenticated

LIVES: Final = timedelta(minutes=15)
LEEWAY: Final = timedelta(seconds=60)  # between the clocks of two services
AUDIENCE: Final = "farthing"
ALGORITHM: Final = "EdDSA"
KIND: Final = "at+jwt"
LONGEST: Final = 4096  # characters
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = 253_000_000_000  # seconds since 1970, in the year 9987
CLAIMS: Final = ("iss", "aud", "sub", "org", "scopes", "iat", "exp", "jti")
CHECKED: Final[Any] = {  # Any: PyJWT's own type; it asks the machine's clock, so times are checked here
    "require": list(CLAIMS), "strict_aud": True, "verify_exp": False, "verify_nbf": False, "verify_iat": False,
}


class BadToken(Unauthenticated):
    """Not a token of ours that is valid now; never told why."""

    def __init__(self) -> None:
        super().__init__("The access token is not valid or has expired.")


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Signs and verifies; everything that a token could choose is pinned."""

    keys: KeyRing
    issuer: str
    now: Clock

    def sign(self, user: User) -> str:
        """A token that lets its holder act as this user for 15 minutes."""
        now = self.now("")
        key = self.keys.signing()
        claims = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": user.id, "org": user.organization,
            "scopes": sorted(user.scopes), "iat": _seconds(now), "exp": _seconds(now + LIVES),
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": KIND})

    def verified(self, token: str) -> tuple[Caller, datetime]:
        """Who holds this token, and until when; raises BadToken for whatever is wrong with it."""
        try:
            return self._caller(self._claims(token))
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise BadToken from error

    def _claims(self, token: str) -> Mapping[str, Any]:  # Any: JSON
        if len(token) > LONGEST:
            raise BadToken
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        # exactly the three that `sign` writes: so no jku, x5u, jwk or crit is ever looked at
        if set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != KIND:
            raise BadToken
        key = self.keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise BadToken
        claims: Mapping[str, Any] = jwt.decode(  # Any: JSON
            token, key.public, [ALGORITHM], CHECKED, audience=AUDIENCE, issuer=self.issuer
        )
        return claims

    def _caller(self, claims: Mapping[str, Any]) -> tuple[Caller, datetime]:  # Any: JSON
        issued, expires = _instant(claims["iat"]), _instant(claims["exp"])
        begins = _instant(claims["nbf"]) if "nbf" in claims else issued
        now = self.now("")
        if not max(issued, begins) - LEEWAY <= now < expires + LEEWAY:
            raise BadToken
        organization, scopes = claims["org"], claims["scopes"]
        if not isinstance(organization, str) or not isinstance(scopes, list):
            raise BadToken
        caller = Caller(organization, claims["sub"], "user", frozenset(Scope(scope) for scope in scopes))
        return caller, expires + LEEWAY


def _seconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(seconds=1)


def _instant(value: object) -> datetime:
    """A whole number of seconds since 1970; raises BadToken for anything else."""
    if type(value) is not int or not 0 <= value < LATEST:
        raise BadToken
    return EPOCH + timedelta(seconds=value)
