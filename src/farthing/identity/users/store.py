"""Rows of users."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select

from farthing.identity.users.models import users
from farthing.identity.users.values import User, UsernameTaken
from farthing.kernel.credentials import Scope
from farthing.kernel.database import refusing


@dataclass(frozen=True, slots=True)
class UserStore:
    connection: Connection

    def add(self, user: User) -> None:
        """Raises UsernameTaken; the first one stays."""
        with refusing("users_username", UsernameTaken(user.username)):
            self.connection.execute(insert(users).values(
                id=user.id, organization=user.organization, username=user.username,
                folded_username=folded(user.username), hash=user.hash, scopes=",".join(sorted(user.scopes)),
                created_at=user.created_at,
            ))

    def named(self, username: str) -> User | None:
        """Of any organisation: the name is all that a person at the login tells."""
        query = select(users).where(users.c.folded_username == folded(username))
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else _value(row)

    def get(self, organization: str, id: str) -> User | None:
        query = select(users).where((users.c.organization == organization) & (users.c.id == id))
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else _value(row)


def folded(username: str) -> str:
    """One text for all spellings of a name that people take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", username).casefold())


def _value(row: RowMapping) -> User:
    return User(
        row["id"], row["organization"], row["username"], row["hash"],
        frozenset(Scope(scope) for scope in row["scopes"].split(",")), row["created_at"],
    )
