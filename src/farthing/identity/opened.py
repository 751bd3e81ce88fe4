"""Identity as this process has it: its own, or the one that runs elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from farthing.identity import ClockBook, OrganizationBook
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.callers import CallerCache, Callers
from farthing.identity.organizations.service import Organizations
from farthing.identity.remote import OwnTokens, RemoteClocks, RemoteHolders, RemoteKeys, RemoteOrganizations
from farthing.identity.test_clocks.service import SandboxClocks
from farthing.identity.tokens.access import AccessTokens
from farthing.identity.tokens.keys import KeyRing
from farthing.identity.tokens.service import Tokens
from farthing.identity.tokens.services import EVERY_SCOPE, SCOPES, Services, ServiceTokens, service_token
from farthing.identity.tokens.signed import Signer, Verifier
from farthing.identity.tokens.throttle import Throttle
from farthing.identity.users.service import Users
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Authenticate
from farthing.kernel.database import Database
from farthing.kernel.ids import new_id
from farthing.kernel.offers import Admit
from farthing.kernel.problems import Misconfigured
from farthing.kernel.remote import Passport, Remote, Wire
from farthing.kernel.settings import Settings

KEYS: Final = "keys"  # the folder of them, in the home


@dataclass(frozen=True, slots=True)
class Identity:
    """What the other rooms need of it, and the services that this process keeps itself.

    refresh  to be called every now and then: what is needed of elsewhere is then there when that goes away
    """

    organizations: OrganizationBook
    clocks: ClockBook
    authenticate: Authenticate
    admit: Admit
    passport: Passport
    callers: CallerCache
    services: tuple[object, ...]
    refresh: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SignedHere:
    """The own token of a process that has the signing keys."""

    signer: Signer
    service: str

    def token(self) -> str:
        return service_token(self.signer, self.service or "farthing", SCOPES.get(self.service, EVERY_SCOPE))

    def refused(self, token: str) -> None:
        """The next one is new anyway."""


def open_identity(settings: Settings, database: Database, now: Clock) -> Identity:
    """Raises Misconfigured where it runs elsewhere and this process has nothing to show there."""
    callers = CallerCache(now)
    return _elsewhere(settings, now, callers) if settings.identity_at else _here(settings, database, now, callers)


def _here(settings: Settings, database: Database, now: Clock, callers: CallerCache) -> Identity:
    ring = KeyRing(settings.home / KEYS, now)
    signer, verifier = Signer(ring, settings.issuer, now), Verifier(ring, settings.issuer, now)
    organizations = Organizations(database, now, new_id)
    organizations.first()
    api_keys = ApiKeys(database, now, new_id, callers)
    users = Users(database, now, new_id)
    tokens = Tokens(database, now, users, organizations, signer, Throttle(database, now))
    secrets = Path(settings.service_secrets) if settings.service_secrets else None
    clocks = SandboxClocks(database)
    return Identity(
        organizations, clocks, Callers(callers, AccessTokens(verifier).holder, api_keys.holder).authenticate,
        Services(verifier).admit, SignedHere(signer, service_name(settings)), callers,
        (callers, users, tokens, organizations, clocks, api_keys, ServiceTokens(secrets, signer)), ring.all,
    )


def _elsewhere(settings: Settings, now: Clock, callers: CallerCache) -> Identity:
    service = service_name(settings)
    if service not in SCOPES or not settings.service_secret:
        raise Misconfigured(
            f"identity_at is set, so this process must say who it is: service (now {service!r}) must be one of "
            f"{', '.join(sorted(SCOPES))}, and service_secret the text that identity keeps in the file of that name."
        )
    wire = Wire("identity", settings.identity_at)
    keys = RemoteKeys(wire, now)
    verifier = Verifier(keys, settings.issuer, now)
    passport = OwnTokens(wire, service, settings.service_secret, now)

    def refresh() -> None:
        keys.refresh()
        passport.token()

    remote = Remote(wire, passport)
    return Identity(
        RemoteOrganizations(remote, now), RemoteClocks(remote),
        Callers(callers, AccessTokens(verifier).holder, RemoteHolders(wire).holder).authenticate,
        Services(verifier).admit, passport, callers, (callers,), refresh,
    )


def service_name(settings: Settings) -> str:
    """The name under which a process asks others."""
    return settings.service or (settings.only[0] if len(settings.only) == 1 else "")
