"""Signed tokens (JWT, RFC 8725): everything that a token could choose is pinned by whoever verifies it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from farthing.identity.tokens.keys import KeyRing
from farthing.kernel.clock import Clock
from farthing.kernel.problems import Unauthenticated

LEEWAY: Final = timedelta(seconds=60)  # between the clocks of two services
ALGORITHM: Final = "EdDSA"
LONGEST: Final = 4096  # characters
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = 253_000_000_000  # seconds since 1970, in the year 9987
CLAIMS: Final = ("iss", "aud", "sub", "iat", "exp", "jti")

Claims = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Kind:
    """What a token is for: its `typ`, its `aud`, how long it lives, and what it must say beyond the usual."""

    typ: str
    audience: str
    lives: timedelta
    required: tuple[str, ...]


class BadToken(Unauthenticated):
    """Not a token of ours that is valid now; never told why."""

    def __init__(self) -> None:
        super().__init__("The access token is not valid or has expired.")


class PublicKeys(Protocol):
    """The keys that verify, wherever they come from."""

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this name; a name is only ever compared. Raises Unavailable where none are known."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the newest key of the ring."""

    keys: KeyRing
    issuer: str
    now: Clock

    def sign(self, kind: Kind, subject: str, claims: Claims) -> str:
        now = self.now("")
        key = self.keys.signing()
        usual = {
            "iss": self.issuer, "aud": kind.audience, "sub": subject, "iat": _seconds(now),
            "exp": _seconds(now + kind.lives), "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode({**claims, **usual}, key.private, ALGORITHM, {"kid": key.kid, "typ": kind.typ})


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies offline: the public keys are all it needs."""

    keys: PublicKeys
    issuer: str
    now: Clock

    def claims(self, kind: Kind, token: str) -> tuple[Claims, datetime]:
        """What a token of this kind says, and until when; raises BadToken for whatever is wrong with it."""
        try:
            claims = self._decoded(kind, token)
            return claims, self._valid_until(claims)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise BadToken from error

    def _decoded(self, kind: Kind, token: str) -> Claims:
        if len(token) > LONGEST:
            raise BadToken
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        # exactly the three that `sign` writes: so no jku, x5u, jwk or crit is ever looked at
        if set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != kind.typ:
            raise BadToken
        key = self.keys.public(kid) if isinstance(kid, str) else None
        if key is None:
            raise BadToken
        checked: Any = {  # Any: PyJWT's own type; it asks the machine's clock, so times are checked below
            "require": [*CLAIMS, *kind.required], "strict_aud": True,
            "verify_exp": False, "verify_nbf": False, "verify_iat": False,
        }
        claims: Claims = jwt.decode(
            token, key, [ALGORITHM], checked, audience=kind.audience, issuer=self.issuer
        )
        return claims

    def _valid_until(self, claims: Claims) -> datetime:
        issued, expires = _instant(claims["iat"]), _instant(claims["exp"])
        begins = _instant(claims["nbf"]) if "nbf" in claims else issued
        if not max(issued, begins) - LEEWAY <= self.now("") < expires + LEEWAY:
            raise BadToken
        return expires + LEEWAY


def _seconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(seconds=1)


def _instant(value: object) -> datetime:
    """A whole number of seconds since 1970; raises BadToken for anything else."""
    if type(value) is not int or not 0 <= value < LATEST:
        raise BadToken
    return EPOCH + timedelta(seconds=value)
