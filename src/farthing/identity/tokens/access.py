"""Access tokens: what a log-in gives, and what any service verifies by itself (RFC 9068 in spirit)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farthing.identity.tokens.signed import BadToken, Kind, Signer, Verifier
from farthing.identity.users.values import User
from farthing.kernel.credentials import Caller, Scope

LIVES: Final = timedelta(minutes=15)
ACCESS: Final = Kind("at+jwt", "farthing", LIVES, ("org", "scopes"))


def access_token(signer: Signer, user: User) -> str:
    """A token that lets its holder act as this user for 15 minutes."""
    return signer.sign(ACCESS, user.id, {"org": user.organization, "scopes": sorted(user.scopes)})


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Tells who holds an access token."""

    verifier: Verifier

    def holder(self, token: str) -> tuple[Caller, datetime]:
        """The caller, and until when; raises BadToken for whatever is wrong with the token."""
        claims, until = self.verifier.claims(ACCESS, token)
        organization, scopes = claims["org"], claims["scopes"]
        if not isinstance(organization, str) or not isinstance(scopes, list):
            raise BadToken
        try:
            wanted = frozenset(Scope(scope) for scope in scopes)
        except ValueError as error:
            raise BadToken from error
        return Caller(organization, claims["sub"], "user", wanted), until
