"""Customers in the relational store."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from farthing.customers.models import customers
from farthing.customers.stores import Copy, CustomerRows, folded
from farthing.customers.values import Change, Customer, CustomerKeyTaken, EmailTaken, Search
from farthing.kernel.database import Database, refusing
from farthing.kernel.ids import is_id
from farthing.kernel.problems import Overtaken

T = TypeVar("T")
FIELDS: Final = frozenset(Customer.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class SqlCustomerStore:
    """Customers beside everything else; a unit of work of theirs is one of the database."""

    database: Database

    def write(self, work: Callable[[CustomerRows], T]) -> T:
        with self.database.write() as connection:
            return work(SqlCustomerRows(connection))

    @contextmanager
    def read(self) -> Iterator[CustomerRows]:
        with self.database.read() as connection:
            yield SqlCustomerRows(connection)


@dataclass(frozen=True, slots=True)
class SqlCustomerRows:
    """See `CustomerRows`."""

    connection: Connection

    def add(self, customer: Customer, unique_email: bool) -> None:
        with _naming(customer):
            self.connection.execute(insert(customers).values(_row(customer, unique_email)))

    def save(self, customer: Customer, unique_email: bool, change: Change | None = None) -> None:
        before = _is(customer, customer.version - 1, change)
        values = _row(customer, unique_email) | {"changing": None, "changing_since": None}
        with _naming(customer):
            _one(self.connection.execute(update(customers).where(before).values(values)))

    def remove(self, customer: Customer, change: Change | None = None) -> None:
        _one(self.connection.execute(delete(customers).where(_is(customer, customer.version, change))))

    def begin_change(self, customer: Customer, change: Change) -> None:
        mark = {"changing": change.token, "changing_since": change.since}
        same = _is(customer, customer.version, None)
        _one(self.connection.execute(update(customers).where(same).values(mark)))

    def end_change(self, organization: str, id: str, change: Change) -> None:
        mine = (customers.c.organization == organization) & (customers.c.id == id)
        same = mine & (customers.c.changing == change.token)
        self.connection.execute(update(customers).where(same).values(changing=None, changing_since=None))

    def find(self, organization: str, reference: str) -> Customer | None:
        row = self.connection.execute(_named(organization, reference)).mappings().one_or_none()
        return None if row is None else _value(row)

    def current(self, organization: str, reference: str, lock: bool = False) -> tuple[Customer, Change | None] | None:
        query = _named(organization, reference)
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        if row is None:
            return None
        change = None if row["changing"] is None else Change(row["changing"], row["changing_since"])
        return _value(row), change

    def many(self, organization: str, ids: Collection[str]) -> Mapping[str, Customer]:
        mine = (customers.c.organization == organization) & customers.c.id.in_(list(ids))
        rows = self.connection.execute(select(customers).where(mine)).mappings()
        return {row["id"]: _value(row) for row in rows}

    def named(self, organization: str, references: Collection[str]) -> Mapping[str, Customer]:
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

    def counts(self) -> Mapping[str, int]:
        each = select(customers.c.organization, func.count()).group_by(customers.c.organization)
        return dict(self.connection.execute(each).all())

    def copies(self, organization: str, after: str, limit: int) -> list[Copy]:
        wanted = (customers.c.organization == organization) & (customers.c.id > after)
        rows = self.connection.execute(select(customers).where(wanted).order_by(customers.c.id).limit(limit))
        return [Copy(_value(row), row["email_claim"] is not None) for row in rows.mappings()]

    def versions(self, organization: str, ids: Collection[str]) -> Mapping[str, int]:
        mine = (customers.c.organization == organization) & customers.c.id.in_(list(ids))
        found = self.connection.execute(select(customers.c.id, customers.c.version).where(mine))
        return dict(found.all())

    def add_copies(self, copies: Sequence[Copy]) -> None:
        rows = [_row(copy.customer, copy.claims_email) for copy in copies]
        with _naming(copies[0].customer):
            self.connection.execute(insert(customers), rows)

    def replace_with_copies(self, copies: Sequence[Copy]) -> None:
        same = (customers.c.organization == bindparam("its_organization")) & (customers.c.id == bindparam("its_id"))
        older = same & (customers.c.version < bindparam("its_version"))
        free = {"changing": None, "changing_since": None}
        rows = [_row(copy.customer, copy.claims_email) | free for copy in copies]
        named = [row | {f"its_{name}": row[name] for name in ("organization", "id", "version")} for row in rows]
        values: dict[Any, Any] = {column: bindparam(column.name) for column in customers.columns.values()}  # Any: SQL
        with _naming(copies[0].customer):
            self.connection.execute(update(customers).where(older).values(values), named)


@contextmanager
def _naming(customer: Customer) -> Iterator[None]:
    """Raises CustomerKeyTaken, EmailTaken for what this customer may not have."""
    with refusing("customers_key", CustomerKeyTaken(customer.key)):
        with refusing("customers_email", EmailTaken(customer.email)):
            yield


def _named(organization: str, reference: str) -> Any:  # Any: a SELECT, whose row type says nothing here
    name = customers.c.id if is_id(reference, "cus") else customers.c.key
    return select(customers).where((customers.c.organization == organization) & (name == reference))


def _is(customer: Customer, version: int, change: Change | None) -> ColumnElement[bool]:
    """This version of a customer, with this change on."""
    mine = (customers.c.organization == customer.organization) & (customers.c.id == customer.id)
    mark = customers.c.changing
    return mine & (customers.c.version == version) & (mark.is_(None) if change is None else mark == change.token)


def _one(result: CursorResult[Any]) -> None:  # Any: no rows
    """Raises Overtaken unless the statement met its row."""
    if result.rowcount != 1:
        raise Overtaken


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.prefix is not None:
        beginning = search.prefix.casefold()
        columns = (customers.c.folded_name, customers.c.folded_email, customers.c.folded_key)
        conditions.append(or_(*(column.startswith(beginning, autoescape=True) for column in columns)))
    if search.email is not None:
        conditions.append(customers.c.folded_email == search.email.casefold())
    if search.created_after is not None:
        conditions.append(customers.c.created_at > search.created_after)
    return conditions


def _row(customer: Customer, unique_email: bool) -> dict[str, Any]:  # Any: a row's columns
    return asdict(customer) | folded(customer, unique_email)


def _value(row: RowMapping) -> Customer:
    fields = {name: value for name, value in row.items() if name in FIELDS}
    return Customer(**{**fields, "tax_ids": tuple(row["tax_ids"])})
