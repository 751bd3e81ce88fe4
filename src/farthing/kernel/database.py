"""The relational store: one engine from one URL, and one unit of work shared by HTTP, worker and command line."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import uniform
from time import sleep
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError

from farthing.kernel.columns import metadata
from farthing.kernel.filelock import FileLock

T = TypeVar("T")
ASIDE_SECONDS: Final = (0.02, 0.05, 0.1, 0.2)  # before each further attempt at a transaction that was stopped
MARIADB_DEADLOCK: Final = 1213
POSTGRESQL_DEADLOCK: Final = "40P01"
PATIENCE_SECONDS: Final = 10  # that a writer waits for others before it answers 503


Touched = dict[tuple[Table, tuple[object, ...]], Mapping[str, Any] | None]  # Any: a row's columns


@dataclass(slots=True)
class _Unit:
    """The transaction under way in this context, and what waits for its commit.

    changed  what it changed that others may have a copy of, by kind
    touched  rows that it changed, by table and key, each as it was before; None where it was not there
    """

    connection: Connection
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    changed: dict[str, set[str]] = field(default_factory=dict)
    touched: Touched = field(default_factory=dict)


# what stands around the commit of changes of one kind: entered just before it with the names of what changed and the
# transaction's connection, left after it, however it went
Guard = Callable[[frozenset[str], Connection], AbstractContextManager[object]]
_unit: ContextVar[_Unit | None] = ContextVar("farthing_unit_of_work", default=None)


@dataclass(frozen=True, slots=True)
class Database:
    """Reads and writes. On SQLite every write holds a file lock, so that one process writes at a time."""

    engine: Engine
    lock: FileLock | None
    guards: dict[str, Guard] = field(default_factory=dict)
    finishing: list[Callable[[Connection], None]] = field(default_factory=list)  # what ends each unit of work

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: leaving the block commits all of it, an exception nothing.

        Inside another one it joins it, so that the outermost decides.
        """
        outer = _unit.get()
        if outer is not None:
            yield outer.connection
            return
        with self._serialised(), self.engine.connect() as connection:
            unit = _Unit(connection.execution_options(farthing_writes=True))
            token = _unit.set(unit)
            try:
                with ExitStack() as around, unit.connection.begin():
                    yield unit.connection
                    for finish in self.finishing:
                        finish(unit.connection)
                    for kind, names in unit.changed.items():
                        if guard := self.guards.get(kind):
                            around.enter_context(guard(frozenset(names), unit.connection))
            finally:
                _unit.reset(token)
        for action in unit.afterwards:
            action()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look at the store; inside a unit of work it sees what that has written."""
        outer = _unit.get()
        if outer is not None:
            yield outer.connection
            return
        with self.engine.connect() as connection:
            if self.lock is None:  # a server's statements would each see another moment; SQLite's never do
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def after_commit(self, action: Callable[[], object]) -> None:
        """Run `action` once the unit of work under way has committed; at once when there is none."""
        after_commit(action)

    def version(self) -> str:
        """The engine and its version, when it answers."""
        question = "SELECT sqlite_version()" if self.dialect == "sqlite" else "SELECT version()"
        with self.read() as connection:
            return f"{self.dialect} {connection.execute(text(question)).scalar_one()}"

    @property
    def dialect(self) -> str:
        """sqlite, postgresql or mysql."""
        return "mysql" if self.engine.dialect.name == "mariadb" else self.engine.dialect.name

    def _serialised(self) -> AbstractContextManager[object]:
        return self.lock.held(PATIENCE_SECONDS) if self.lock else nullcontext()


def after_commit(action: Callable[[], object]) -> None:
    """The same for whoever has no part in that unit of work, but must not act before it is sure."""
    unit = _unit.get()
    if unit is None:
        action()
    else:
        unit.afterwards.append(action)


def in_unit_of_work() -> bool:
    """Whether a transaction is under way that a write would join."""
    return _unit.get() is not None


def again_if_stopped(work: Callable[[], T]) -> T:
    """Do `work`, and once more when the database stopped its transaction so that another could go on (a deadlock).

    What was stopped has left nothing behind. Inside another unit of work it is that one which is to be done again.
    Before each attempt it stands aside for longer, for its own row may be free before whoever waits for it has woken.
    """
    if in_unit_of_work():
        return work()
    for longest in ASIDE_SECONDS:
        try:
            return work()
        except OperationalError as error:
            if not was_stopped(error):
                raise
            sleep(uniform(longest / 2, longest))
    return work()


def was_stopped(error: OperationalError) -> bool:
    """Whether the transaction stood in a circle with others, and was the one to give way."""
    told = error.orig
    return getattr(told, "sqlstate", None) == POSTGRESQL_DEADLOCK or (
        told is not None and told.args[:1] == (MARIADB_DEADLOCK,)
    )


def changes(kind: str, names: Iterable[str]) -> None:
    """Note in the unit of work under way that it changes these, so that copies of them are given up with it."""
    if (unit := _unit.get()) is not None:
        unit.changed.setdefault(kind, set()).update(names)


def changed() -> Mapping[str, set[str]]:
    """What the unit of work under way has changed so far, by kind."""
    return {} if (unit := _unit.get()) is None else unit.changed


def touched() -> Touched | None:
    """The rows that the unit of work under way has changed so far, to be added to; None when there is none."""
    return None if (unit := _unit.get()) is None else unit.touched


def insert_unless_there(connection: Connection, table: Table, *rows: Mapping[str, object]) -> None:
    """Add rows unless a unique key of theirs is there already; with others at it, it waits for theirs.

    A refused INSERT leaves MariaDB's waiters each with a shared lock that none can turn into its own. Of several
    rows, those that others may add too come in one order.
    """
    if connection.dialect.name in ("mysql", "mariadb"):
        same = {column.name: column for column in table.primary_key.columns}
        connection.execute(mysql.insert(table).on_duplicate_key_update(same), list(rows))
    elif connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), list(rows))
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), list(rows))


@contextmanager
def refusing(constraint: str, refusal: Exception) -> Iterator[None]:
    """Give the violation of this one constraint its name, and let every other pass.

    constraint  its name in the database; SQLite names the columns instead, so `constraint` is found by them
    """
    try:
        yield
    except IntegrityError as error:
        if violates(error, constraint):
            raise refusal from error
        raise


def violates(error: IntegrityError, constraint: str) -> bool:
    """Whether it was this constraint that the database held against the statement."""
    told = getattr(error.orig, "diag", None)
    if told is not None:  # PostgreSQL names it
        return bool(told.constraint_name == constraint)
    text = str(error.orig)
    if match := re.search(r" for key '(?:\w+\.)?(\w+)'\W*$", text):  # MariaDB, which calls every primary key alike
        return match[1] == constraint or (match[1] == "PRIMARY" and constraint.endswith("_pk"))
    return text.removeprefix("UNIQUE constraint failed: ") == _columns_of(constraint)


def _columns_of(constraint: str) -> str | None:
    """The columns of a unique index or primary key, as SQLite names them instead of the constraint."""
    for table in metadata.tables.values():
        parts = [(index.name, index.columns) for index in table.indexes if index.unique]
        for name, columns in [*parts, (table.primary_key.name, table.primary_key.columns)]:
            if name == constraint:
                return ", ".join(f"{table.name}.{column.name}" for column in columns)
    return None
