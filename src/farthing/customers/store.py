"""Rows of customers."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, or_, select, update

from farthing.customers.models import customers
from farthing.customers.values import Customer, CustomerKeyTaken, EmailTaken
from farthing.kernel.database import refusing
from farthing.kernel.ids import is_id

FOLDED = ("folded_key", "folded_name", "folded_email", "email_claim")


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to."""

    prefix: str | None = None  # of name, e-mail or key, whatever their case
    email: str | None = None
    created_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class CustomerStore:
    connection: Connection

    def add(self, customer: Customer, unique_email: bool) -> None:
        """Raises CustomerKeyTaken, EmailTaken; the first one stays."""
        with refusing("customers_key", CustomerKeyTaken(customer.key)):
            with refusing("customers_email", EmailTaken(customer.email)):
                self.connection.execute(insert(customers).values(_row(customer, unique_email)))

    def save(self, customer: Customer, unique_email: bool) -> None:
        """Raises CustomerKeyTaken, EmailTaken."""
        same = (customers.c.organization == customer.organization) & (customers.c.id == customer.id)
        with refusing("customers_key", CustomerKeyTaken(customer.key)):
            with refusing("customers_email", EmailTaken(customer.email)):
                self.connection.execute(update(customers).where(same).values(_row(customer, unique_email)))

    def find(self, organization: str, reference: str, lock: bool = False) -> Customer | None:
        """By id or key."""
        name = customers.c.id if is_id(reference, "cus") else customers.c.key
        query = select(customers).where((customers.c.organization == organization) & (name == reference))
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        return None if row is None else _value(row)

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        mine = (customers.c.organization == organization) & customers.c.id.in_(list(ids))
        rows = self.connection.execute(select(customers).where(mine)).mappings()
        return {row["id"]: _value(row) for row in rows}

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
        """Those there are, by the id or key that they were asked for by."""
        ids = [reference for reference in references if is_id(reference, "cus")]
        keys = [reference for reference in references if not is_id(reference, "cus")]
        mine = (customers.c.organization == organization) & or_(customers.c.id.in_(ids), customers.c.key.in_(keys))
        rows = [_value(row) for row in self.connection.execute(select(customers).where(mine)).mappings()]
        wanted = frozenset(references)
        return {name: one for one in rows for name in (one.id, one.key) if name in wanted}

    def page(self, organization: str, search: Search, after: str, limit: int) -> list[Customer]:
        wanted = [customers.c.organization == organization, customers.c.id > after, *_conditions(search)]
        rows = self.connection.execute(select(customers).where(*wanted).order_by(customers.c.id).limit(limit))
        return [_value(row) for row in rows.mappings()]

    def remove(self, organization: str, id: str) -> None:
        self.connection.execute(
            delete(customers).where((customers.c.organization == organization) & (customers.c.id == id))
        )


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.prefix is not None:
        folded = search.prefix.casefold()
        columns = (customers.c.folded_name, customers.c.folded_email, customers.c.folded_key)
        conditions.append(or_(*(column.startswith(folded, autoescape=True) for column in columns)))
    if search.email is not None:
        conditions.append(customers.c.folded_email == search.email.casefold())
    if search.created_after is not None:
        conditions.append(customers.c.created_at > search.created_after)
    return conditions


def _row(customer: Customer, unique_email: bool) -> dict[str, Any]:  # Any: a row's columns
    email = customer.email.casefold() if customer.email else None
    return asdict(customer) | {
        "folded_key": customer.key.casefold() if customer.key else None,
        "folded_name": customer.name.casefold()[:255],
        "folded_email": email,
        "email_claim": email if unique_email else None,
    }


def _value(row: RowMapping) -> Customer:
    fields = {name: value for name, value in row.items() if name not in FOLDED}
    return Customer(**{**fields, "tax_ids": tuple(row["tax_ids"])})
