"""The use cases of tokens: log in, refresh, log out, and who somebody is."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from farthing.identity import OrganizationBook
from farthing.identity.tokens.access import access_token
from farthing.identity.tokens.keys import SigningKey
from farthing.identity.tokens.signed import Signer
from farthing.identity.tokens.store import SessionStore
from farthing.identity.tokens.throttle import Throttle
from farthing.identity.tokens.values import BadCredentials, BadRefreshToken, Grant, Me, RefreshToken, Session
from farthing.identity.users.passwords import is_password
from farthing.identity.users.service import Users
from farthing.identity.users.values import User
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database

LIVES: Final = timedelta(days=30)  # a refresh token
GRACE: Final = timedelta(seconds=10)  # in which a second use is a race of two tabs and no theft


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sessions of people; an access token is good by itself for 15 minutes, a refresh token once."""

    database: Database
    now: Clock
    users: Users
    organizations: OrganizationBook
    signer: Signer
    throttle: Throttle

    def login(self, username: str, password: str, address: str) -> Grant:
        """Begin a session; raises BadCredentials, and TooManyFailures after repeated ones.

        address  the client's, by which failures are counted too
        """
        self.throttle.admit(username, address)
        user = self.users.named(username)
        if not is_password(user.hash if user else None, password) or user is None:
            raise BadCredentials
        self.throttle.succeeded(username, address)
        now = self.now("")
        session = Session(secrets.token_hex(16), user.organization, user.id, now, now + LIVES, None)
        with self.database.write() as connection:
            store = SessionStore(connection)
            store.forget_expired(user.organization, user.id, now)
            store.add(session)
            return self._granted(store, user, session, now)

    def refresh(self, refresh_token: str) -> Grant:
        """Trade a refresh token for the next one and a new access token; raises BadRefreshToken.

        A token is used once. When it comes a second time within 10 seconds of the first, two tabs raced: the
        second is refused and the session lives on with the first one's answer. Later than that somebody has
        a copy, and as nobody can tell who is the thief, the whole session ends for both.
        """
        grant = self._refreshed(refresh_token)
        if grant is None:  # raised out here, so that a session that was ended stays so
            raise BadRefreshToken
        return grant

    def _refreshed(self, refresh_token: str) -> Grant | None:
        now = self.now("")
        with self.database.read() as connection:
            found = SessionStore(connection).token(hashed(refresh_token))
        if found is None:
            return None
        with self.database.write() as connection:
            store = SessionStore(connection)
            session = store.locked(found.session_id)
            token = store.token(found.hash)  # as it is now that nobody else has the session
            if token is None or session is None or session.revoked_at is not None or token.expires_at <= now:
                return None
            if token.used_at is not None:
                if now - token.used_at > GRACE:
                    store.revoke(session, now)
                return None
            user = self.users.get(session.organization, session.user_id)
            if user is None:
                return None
            store.use(token, now)
            store.extend(session, now + LIVES)
            return self._granted(store, user, session, now)

    def logout(self, caller: Caller, refresh_token: str) -> None:
        """End the session that the token belongs to; one that is unknown or not the caller's is over already."""
        with self.database.write() as connection:
            store = SessionStore(connection)
            token = store.token(hashed(refresh_token))
            session = store.locked(token.session_id) if token else None
            if session is not None and (session.organization, session.user_id) == (caller.organization, caller.id):
                store.revoke(session, self.now(""))

    def me(self, caller: Caller) -> Me:
        """Who is calling; raises OrganizationNotFound."""
        user = self.users.get(caller.organization, caller.id) if caller.kind == "user" else None
        return Me(caller, self.organizations.get(caller.organization), user.username if user else None)

    def key_set(self) -> tuple[SigningKey, ...]:
        """The keys that verify access tokens, oldest first."""
        return self.signer.keys.all()

    def _granted(self, store: SessionStore, user: User, session: Session, now: datetime) -> Grant:
        secret = secrets.token_urlsafe(32)
        store.add_token(RefreshToken(hashed(secret), session.id, now + LIVES, None))
        return Grant(access_token(self.signer, user), secret)


def hashed(refresh_token: str) -> str:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()
