"""Noting changes: every statement that writes an audited row is seen here, whichever store sent it.

Before a row is first changed in a transaction it is read as it was; at the end of the transaction all that were
touched are read as they are, and what differs is logged. So nobody who writes a store can forget it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Connection, Delete, Insert, Table, Update, event, select, tuple_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.visitors import iterate

from farthing.kernel.audit.acting import current_actor
from farthing.kernel.audit.store import AuditStore, Change
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.columns import metadata
from farthing.kernel.database import Database, touched
from farthing.kernel.ids import NewId

HIDDEN: Final = ("hash", "secret", "password", "token")  # in the name of a column whose value is never shown
UNSAID: Final = frozenset({  # what changes with everything else, and copies of what other rows say
    *("version", "updated_at", "changing", "changing_since"), *("buyer", "seller", "billed_as"),
})
AT_ONCE: Final = 200  # rows read in one question
Values = Mapping[str, Any]  # Any: a row's columns
Place = tuple[Table, tuple[object, ...]]  # a row, by its table and key


class Unaudited(Exception):
    """A statement that changes audited rows without saying which."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Watches the transactions of a database.

    unaudited  tables of which changes are not logged, by name, each with the reason
    """

    database: Database
    now: Clock
    new_id: NewId
    unaudited: Mapping[str, str]

    def watch(self) -> None:
        """Note from now on what every unit of work changes."""
        event.listen(self.database.engine, "before_execute", self._before)
        self.database.finishing.append(self._finish)

    def _before(
        self, connection: Connection, statement: object, many: Sequence[Values], one: Values, options: object
    ) -> None:
        if not isinstance(statement, (Insert, Update, Delete)) or not isinstance(statement.table, Table):
            return
        rows, table = touched(), statement.table
        if rows is None or table.name in self.unaudited or table.metadata is not metadata:  # a migration's own
            return
        sent = [*many] or [one]
        if isinstance(statement, Insert):
            for values in sent:  # a statement of one row may hold its values itself
                rows.setdefault((table, _key(table, values or statement.compile().params)), None)
            return
        for key, found in _as_it_was(connection, statement, table, sent):
            rows.setdefault((table, key), found)

    def _finish(self, connection: Connection) -> None:
        """Log what became of all rows that were touched."""
        rows: dict[Place, Values | None] = dict(touched() or {})
        tables = dict.fromkeys(table for table, _ in rows)
        after = {
            (table, key): found
            for table in tables
            for key, found in _read(connection, table, [key for of, key in rows if of is table])
        }
        changes = (self._change(place, before, after.get(place)) for place, before in rows.items())
        AuditStore(connection).add([one for one in changes if one is not None])

    def _change(self, place: Place, before: Values | None, after: Values | None) -> Change | None:
        table, key = place
        known = after or before
        was, is_now = before or {}, after or {}
        said = [column.name for column in table.columns if column.name not in UNSAID]
        names = [name for name in said if was.get(name) != is_now.get(name)]
        if known is None or not names:
            return None
        organization = str(known["id" if table.name == "organizations" else "organization"])
        actor, now = current_actor(), self.now(organization)
        return Change(
            self.new_id("aud", now), organization, now, actor.kind, actor.id, actor.call[:255], table.name,
            "/".join(map(str, key))[:255], _shown(before, names), _shown(after, names),
        )


def _key(table: Table, values: Values) -> tuple[object, ...]:
    return tuple(values[column.name] for column in table.primary_key.columns)


def _as_it_was(
    connection: Connection, statement: Update | Delete, table: Table, sent: Sequence[Values]
) -> Iterator[tuple[tuple[object, ...], Values]]:
    """The rows that a statement is about to change; by their keys where it names them, else by its own condition."""
    condition = statement.whereclause
    if condition is None:
        raise Unaudited(f"A statement changes all of {table.name}.")
    named = _named(condition)
    keys = [column.name for column in table.primary_key.columns]
    if set(keys) <= named.keys():
        yield from _read(connection, table, [
            tuple(values.get(named[name].key, named[name].value) for name in keys) for values in sent
        ])
    elif len(sent) == 1:
        for row in connection.execute(select(table).where(condition), sent[0]).mappings():
            yield _key(table, dict(row)), dict(row)
    else:
        raise Unaudited(f"A statement changes many of {table.name} without their keys.")


def _named(condition: ColumnElement[bool]) -> dict[str, BindParameter[Any]]:  # Any: a key's value
    """The columns that a condition sets equal to one value each."""
    return {
        part.left.name: part.right
        for part in iterate(condition)
        if isinstance(part, BinaryExpression) and part.operator is operators.eq
        and isinstance(part.right, BindParameter) and hasattr(part.left, "name")
    }


def _read(
    connection: Connection, table: Table, keys: Sequence[tuple[object, ...]]
) -> Iterator[tuple[tuple[object, ...], Values]]:
    columns = list(table.primary_key.columns)
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        wanted = columns[0].in_([key[0] for key in some]) if len(columns) == 1 else tuple_(*columns).in_(some)
        for row in connection.execute(select(table).where(wanted)).mappings():
            yield _key(table, dict(row)), dict(row)


def _shown(values: Values | None, names: Iterable[str]) -> dict[str, object] | None:
    """A row's columns as JSON, without what is secret."""
    if values is None:
        return None
    return {name: "***" if any(part in name for part in HIDDEN) else _json(values[name]) for name in names}


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.hex() if isinstance(value, bytes) else value
