"""Tokens of services: short ones, each good for just what the service that asks may ask of others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Final

from farthing.identity.tokens.signed import BadToken, Kind, Signer, Verifier
from farthing.kernel.problems import Forbidden, Unauthenticated

LIVES: Final = timedelta(minutes=15)
SERVICE: Final = Kind("svc+jwt", "farthing-internal", LIVES, ("scopes",))
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {  # what each service may ask of others
    "customers": ("organizations", "names", "customer-uses", "coupons", "balances"),
    "catalog": ("organizations", "migrations"),
    "usage": ("organizations", "customers", "meters"),
    "billing": ("organizations", "customers", "metering", "names"),
    "payments": ("organizations", "customers"),
}
EVERY_SCOPE: Final = tuple(sorted({scope for scopes in SCOPES.values() for scope in scopes}))


class UnknownService(Unauthenticated):
    """A service that has no secret here, or shows another, and never told which."""

    def __init__(self) -> None:
        super().__init__("The service is unknown, or its secret is wrong.")


class ScopeNotGiven(Forbidden):
    """A service asks for what it has no business with."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This call needs the scope {scope}.")


@dataclass(frozen=True, slots=True)
class ServiceTokens:
    """Gives services their tokens, for a secret that lies in a file of the service's name."""

    secrets: Path | None
    signer: Signer

    def grant(self, service: str, secret: str) -> str:
        """A token for 15 minutes; raises UnknownService."""
        if service not in SCOPES or self.secrets is None:
            raise UnknownService
        try:
            known = (self.secrets / service).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UnknownService from error
        if not known or not compare_digest(known.encode(), secret.encode("utf-8", "surrogatepass")):
            raise UnknownService
        return service_token(self.signer, service, SCOPES[service])


def service_token(signer: Signer, service: str, scopes: tuple[str, ...]) -> str:
    """A token that lets a service ask others on its own account."""
    return signer.sign(SERVICE, f"svc_{service}", {"scopes": list(scopes)})


@dataclass(frozen=True, slots=True)
class Services:
    """Tells which service asks."""

    verifier: Verifier

    def admit(self, token: str, scope: str) -> str:
        """The name of the service, which has the scope; raises BadToken, ScopeNotGiven."""
        claims, _ = self.verifier.claims(SERVICE, token)
        if not isinstance(claims["scopes"], list) or not isinstance(claims["sub"], str):
            raise BadToken
        if scope not in claims["scopes"]:
            raise ScopeNotGiven(scope)
        return claims["sub"].removeprefix("svc_")
