"""The use cases of API keys."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from farthing.identity.api_keys.store import ApiKeyStore
from farthing.identity.api_keys.values import ApiKey
from farthing.identity.callers import KEY_PREFIX, CallerCache
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import Forbidden, NotFound, Unauthenticated


class ScopesTooWide(Forbidden):
    """A key may never do more than whoever makes it."""


class ApiKeyNotFound(NotFound):
    """No such key in this organisation."""


class UnknownApiKey(Unauthenticated):
    """A secret that belongs to no key, or to one that was deleted."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Keys of programs: 256 random bits, of which only the hash is stored."""

    database: Database
    now: Clock
    new_id: NewId
    callers: CallerCache

    def create(self, caller: Caller, scopes: Iterable[Scope], name: str | None = None) -> tuple[ApiKey, str]:
        """A new key and its secret, which nothing can tell again; raises ScopesTooWide."""
        wanted = frozenset(scopes)
        if not caller.covers(wanted):
            raise ScopesTooWide("A key cannot have scopes that its maker does not have.")
        now = self.now(caller.organization)
        secret = KEY_PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(self.new_id("key", now), caller.organization, name, hashed(secret), secret[-4:], wanted, now)
        with self.database.write() as connection:
            ApiKeyStore(connection).add(key)
        return key, secret

    def page(self, caller: Caller, listing: Listing) -> Page[ApiKey]:
        with self.database.read() as connection:
            rows = ApiKeyStore(connection).page(caller.organization, listing.position, listing.limit + 1)
        return listing.page(rows, lambda key: key.id)

    def delete(self, caller: Caller, key_id: str) -> None:
        """The secret stops working at once; raises ApiKeyNotFound."""
        with self.database.write() as connection:
            if not ApiKeyStore(connection).remove(caller.organization, key_id):
                raise ApiKeyNotFound(f"There is no API key {key_id[:120]}.")
            self.database.after_commit(lambda: self.callers.forget(key_id))

    def holder(self, secret: str) -> tuple[Caller, None]:
        """Who holds this secret, without an end that is known; raises UnknownApiKey."""
        with self.database.read() as connection:
            key = ApiKeyStore(connection).by_hash(hashed(secret))
        if key is None:
            raise UnknownApiKey("The API key is unknown or has been deleted.")
        return Caller(key.organization, key.id, "key", key.scopes), None


def hashed(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
