"""Rows of organisations."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from farthing.identity.organizations.models import organizations
from farthing.identity.organizations.values import Organization


@dataclass(frozen=True, slots=True)
class OrganizationStore:
    connection: Connection

    def add(self, organization: Organization) -> None:
        self.connection.execute(insert(organizations).values(_row(organization)))

    def save(self, organization: Organization) -> None:
        same = organizations.c.id == organization.id
        self.connection.execute(update(organizations).where(same).values(_row(organization)))

    def get(self, id: str, lock: bool = False) -> Organization | None:
        query = select(organizations).where(organizations.c.id == id)
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def first(self) -> Organization | None:
        """The oldest one: meant wherever nobody names another."""
        row = self.connection.execute(select(organizations).order_by(organizations.c.id).limit(1)).mappings().first()
        return None if row is None else _value(row)

    def named(self, name: str) -> list[Organization]:
        rows = self.connection.execute(select(organizations).where(organizations.c.name == name).limit(2)).mappings()
        return [_value(row) for row in rows]

    def all(self) -> list[Organization]:
        rows = self.connection.execute(select(organizations).order_by(organizations.c.id)).mappings()
        return [_value(row) for row in rows]


def _row(organization: Organization) -> dict[str, Any]:  # Any: a row's columns
    return asdict(organization)


def _value(row: RowMapping) -> Organization:
    return Organization(**{**row, "tax_ids": tuple(row["tax_ids"])})
