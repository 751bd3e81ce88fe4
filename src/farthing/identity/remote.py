"""Identity where it runs elsewhere: its keys, its organisations, the holders of API keys, and our own tokens."""

import base64
import binascii
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from farthing.identity import ClockBook, Organization, OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.problems import Unauthenticated, Unavailable
from farthing.kernel.remote import Remote, RoomAway, Wire, refusal_from

KEYS_FRESH: Final = timedelta(seconds=60)  # a key that was withdrawn verifies no longer than that
KEYS_AGAIN: Final = timedelta(seconds=10)  # at the earliest, whatever names tokens come with
OWN_FRESH: Final = timedelta(minutes=4)  # then a new token is fetched, so that one is good for ten more minutes
OWN_LIVES: Final = timedelta(minutes=15)
REMEMBERED: Final = timedelta(minutes=10)  # that an organisation goes on as it was last seen

R = TypeVar("R")
log = structlog.get_logger("farthing")


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: Mapping[str, Ed25519PublicKey]
    fetched_at: datetime


class RemoteKeys:
    """The key set of `/.well-known/jwks.json`, kept: tokens are verified offline.

    It is fetched again when it is a minute old, and at once for a name that it does not have, though never more
    often than every ten seconds. When identity does not answer the last one stays.
    """

    def __init__(self, wire: Wire, now: Clock) -> None:
        self._wire = wire
        self._now = now
        self._lock = threading.Lock()
        self._known: _KeySet | None = None
        self._tried_at: datetime | None = None

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this name; raises Unavailable while no key set was ever fetched."""
        known = self._known
        if known is None or not known.fetched_at <= self._now("") < known.fetched_at + KEYS_FRESH:
            known = self._fetched(known, KEYS_AGAIN if known else timedelta())
        if kid not in known.keys:
            known = self._fetched(known, KEYS_AGAIN)
        return known.keys.get(kid)

    def refresh(self) -> None:
        """Fetch the key set now, so that no request has to; raises Unavailable while none was ever fetched."""
        self._fetched(self._known, timedelta())

    def _fetched(self, known: _KeySet | None, pause: timedelta) -> _KeySet:
        """The key set anew, by one caller for all, unless it was tried just now."""
        with self._lock:
            now = self._now("")
            if self._known is not None and self._known is not known:
                return self._known  # another caller was quicker
            if known is not None and self._tried_at is not None and self._tried_at <= now < self._tried_at + pause:
                return known
            self._tried_at = now
            try:
                self._known = _KeySet(self._ask(), now)
            except Unavailable:
                if known is None:
                    raise
                log.warning("key set not fetched", at=self._wire.at)
                return known
            return self._known

    def _ask(self) -> dict[str, Ed25519PublicKey]:
        answer = self._wire.send("GET", "/.well-known/jwks.json", {})
        try:
            said = json.loads(answer.data) if answer.status == 200 else None
        except ValueError:
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("keys"), list):
            raise RoomAway(self._wire.room)
        return dict(key for one in said["keys"] if (key := _key(one)) is not None)


def _key(said: object) -> tuple[str, Ed25519PublicKey] | None:
    """The name and key of a JWK (RFC 8037); None for one of another kind."""
    if not isinstance(said, dict) or (said.get("kty"), said.get("crv")) != ("OKP", "Ed25519"):
        return None
    kid, x = said.get("kid"), said.get("x")
    if not isinstance(kid, str) or not isinstance(x, str):
        return None
    try:
        return kid, Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    except (ValueError, binascii.Error):
        return None


class OwnTokens:
    """This process's own token, fetched for its secret, and anew long before it ends."""

    def __init__(self, wire: Wire, service: str, secret: str, now: Clock) -> None:
        self._wire = wire
        self._service = service
        self._secret = secret
        self._now = now
        self._lock = threading.Lock()
        self._token: tuple[str, datetime] | None = None

    def token(self) -> str:
        """One that is good for minutes still; raises Unavailable."""
        now = self._now("")
        known = self._token
        if known is not None and known[1] <= now < known[1] + OWN_FRESH:
            return known[0]
        with self._lock:
            if self._token is not known and self._token is not None:
                return self._token[0]  # another caller was quicker
            try:
                self._token = self._fetched(), now
            except Unavailable:
                if known is None or not known[1] <= now < known[1] + OWN_LIVES:
                    raise
                return known[0]
            return self._token[0]

    def refused(self, token: str) -> None:
        """This one was not taken: get another next time."""
        with self._lock:
            if self._token is not None and self._token[0] == token:
                self._token = None

    def _fetched(self) -> str:
        body = json.dumps({"service": self._service}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._secret}"}
        answer = self._wire.send("POST", "/internal/identity/token", headers, body)
        if answer.status != 200:
            log.error("no token of our own", service=self._service, status=answer.status)
            raise RoomAway(self._wire.room)
        return str(json.loads(answer.data)["access_token"])


@dataclass(frozen=True, slots=True)
class RemoteHolders:
    """Who holds an API key, asked of identity with the key itself."""

    wire: Wire

    def holder(self, secret: str) -> tuple[Caller, None]:
        """The caller, without an end that is known; raises Unauthenticated, RoomAway."""
        answer = self.wire.send("GET", "/v1/me", {"Authorization": f"Bearer {secret}"})
        if answer.status == 401 and isinstance(refusal := refusal_from(answer), Unauthenticated):
            raise refusal
        if answer.status != 200:
            raise RoomAway(self.wire.room)
        said = json.loads(answer.data)
        scopes = frozenset(Scope(scope) for scope in said["scopes"])
        return Caller(said["organization"], said["id"], said["kind"], scopes), None


@dataclass(frozen=True, slots=True)
class RemoteOrganizations:
    """Organisations as identity has them now; as they last were while it does not answer, for ten minutes."""

    identity: Remote
    now: Clock
    seen: dict[str, tuple[Organization, datetime]] = field(default_factory=dict)

    def get(self, organization_id: str) -> Organization:
        """Raises OrganizationNotFound."""
        return self._last_seen(organization_id, lambda: self.identity.ask(OrganizationBook.get, organization_id))

    def named(self, reference: str) -> Organization:
        """By id or name; raises OrganizationNotFound, NameAmbiguous."""
        return self.identity.ask(OrganizationBook.named, reference)

    def first(self) -> Organization:
        """The oldest one."""
        return self.identity.ask(OrganizationBook.first)

    def _last_seen(self, organization_id: str, ask: Callable[[], Organization]) -> Organization:
        try:
            found = ask()
        except Unavailable:
            known = self.seen.get(organization_id)
            if known is None or not known[1] <= self.now("") < known[1] + REMEMBERED:
                raise
            return known[0]
        self.seen[organization_id] = found, self.now("")
        return found


@dataclass(frozen=True, slots=True)
class RemoteClocks:
    """The clocks of sandboxes as identity has them now: a time that has passed is never served again."""

    identity: Remote

    def time(self, organization: str) -> datetime | None:
        """Where a sandbox's clock stands; None for an organisation that is none. Raises Unavailable."""
        return self.identity.ask(ClockBook.time, organization)

    def move(self, organization: str, to: datetime) -> datetime | None:
        """Forward to this moment, never back, however often it is asked; where it stands then."""
        return self.identity.ask(ClockBook.move, organization, to)
