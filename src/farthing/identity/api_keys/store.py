"""Rows of API keys."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select

from farthing.identity.api_keys.models import api_keys
from farthing.identity.api_keys.values import ApiKey
from farthing.kernel.credentials import Scope


@dataclass(frozen=True, slots=True)
class ApiKeyStore:
    connection: Connection

    def add(self, key: ApiKey) -> None:
        self.connection.execute(insert(api_keys).values(
            id=key.id, organization=key.organization, name=key.name, hash=key.hash, hint=key.hint,
            scopes=",".join(sorted(key.scopes)), created_at=key.created_at,
        ))

    def by_hash(self, hash: str) -> ApiKey | None:
        row = self.connection.execute(select(api_keys).where(api_keys.c.hash == hash)).mappings().one_or_none()
        return None if row is None else _value(row)

    def page(self, organization: str, after: str, limit: int) -> list[ApiKey]:
        mine = (api_keys.c.organization == organization) & (api_keys.c.id > after)
        rows = self.connection.execute(select(api_keys).where(mine).order_by(api_keys.c.id).limit(limit)).mappings()
        return [_value(row) for row in rows]

    def remove(self, organization: str, id: str) -> bool:
        """Whether there was one to remove."""
        mine = (api_keys.c.organization == organization) & (api_keys.c.id == id)
        return bool(self.connection.execute(delete(api_keys).where(mine)).rowcount)


def _value(row: RowMapping) -> ApiKey:
    scopes = frozenset(Scope(scope) for scope in row["scopes"].split(","))
    return ApiKey(**{**row, "scopes": scopes})
