"""The use cases of users, who are made at the command line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from farthing.identity.api_keys.schemas import ScopeName
from farthing.identity.users.passwords import LONGEST, SHORTEST, hashed
from farthing.identity.users.store import UserStore
from farthing.identity.users.values import User
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Scope
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.schemas import Line, Schema, parsed


class UserIn(Schema):
    """A user to be made."""

    username: Annotated[Line, StringConstraints(max_length=120)]
    password: Annotated[str, StringConstraints(min_length=SHORTEST, max_length=LONGEST)]
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=4)]


@dataclass(frozen=True, slots=True)
class Users:
    """The people of all organisations."""

    database: Database
    now: Clock
    new_id: NewId

    def create(self, organization: str, username: str, password: str, scopes: Iterable[Scope]) -> User:
        """Raises Invalid naming each field and rule, UsernameTaken."""
        wanted = [scope.value for scope in scopes]
        body = parsed(UserIn, {"username": username, "password": password, "scopes": wanted})
        now = self.now(organization)
        user = User(
            self.new_id("usr", now), organization, body.username, hashed(body.password),
            frozenset(Scope(scope) for scope in body.scopes), now,
        )
        with self.database.write() as connection:
            UserStore(connection).add(user)
        return user

    def named(self, username: str) -> User | None:
        """The user of this name, in whatever case it is written."""
        with self.database.read() as connection:
            return UserStore(connection).named(username)

    def get(self, organization: str, user_id: str) -> User | None:
        """The user of this id, if it is still there."""
        with self.database.read() as connection:
            return UserStore(connection).get(organization, user_id)
