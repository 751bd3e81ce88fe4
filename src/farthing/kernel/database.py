"""The relational store: one engine from one URL, and one unit of work shared by HTTP, worker and command line."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

from farthing.kernel.clock import ticks
from farthing.kernel.columns import metadata
from farthing.kernel.filelock import FileLock
from farthing.kernel.problems import Misconfigured

T = TypeVar("T")
ATTEMPTS: Final = 5  # at a transaction that others stand in a circle with
CONNECT_SECONDS: Final = 3
MARIADB_DEADLOCK: Final = 1213
POSTGRESQL_DEADLOCK: Final = "40P01"
MARIADB_CHECK_FAILED: Final = 4025
PATIENCE_SECONDS: Final = 10  # that a writer waits for others before it answers 503
DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


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
    """
    if in_unit_of_work():
        return work()
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except OperationalError as error:
            if not was_stopped(error):
                raise
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


def open_database(url: str, home: Path) -> Database:
    """The database that `url` names, or the home's own SQLite file; raises Misconfigured."""
    place = database_url(url, home)
    if place.get_backend_name() == "sqlite":
        engine = create_engine(place, connect_args={"timeout": PATIENCE_SECONDS}, pool_size=32, max_overflow=32)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine, FileLock(Path(f"{place.database}.lock"), threading.Lock()))
    try:
        engine = create_engine(
            place, pool_size=16, max_overflow=16, pool_pre_ping=True, pool_recycle=1800,
            isolation_level="READ COMMITTED", connect_args=_patience(place.get_backend_name()),
        )
    except ModuleNotFoundError as error:
        extra = "postgresql" if place.get_backend_name() == "postgresql" else "mysql"
        raise Misconfigured(f"database_url needs a driver: pip install 'farthing[{extra}]'.") from error
    event.listen(engine, "handle_error", _broken_check, retval=True)
    return Database(engine, None)


def database_url(url: str, home: Path) -> URL:
    """The complete SQLAlchemy URL, with our driver for each database; raises Misconfigured."""
    if not url:
        home.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite", database=str(home / "farthing.db"))
    try:
        place = make_url(url)
    except ArgumentError as error:
        raise Misconfigured("database_url cannot be read; it must look like postgresql://user@host/name.") from error
    driver = DRIVERS.get(place.get_backend_name())
    if driver is None:
        raise Misconfigured(f"database_url names {place.get_backend_name()}; known are {', '.join(DRIVERS)}.")
    if driver == "sqlite" and not place.database:
        raise Misconfigured("database_url names no file; it must look like sqlite:////var/lib/farthing/farthing.db.")
    place = place.set(drivername=driver)
    return place.update_query_dict({"charset": "utf8mb4"}) if "pymysql" in driver else place


def _patience(backend: str) -> dict[str, Any]:  # Any: what each driver takes
    if backend == "postgresql":
        limits = f"-c lock_timeout={PATIENCE_SECONDS}s -c statement_timeout=60s -c timezone=UTC"
        return {"options": limits, "connect_timeout": CONNECT_SECONDS}
    return {
        "connect_timeout": CONNECT_SECONDS, "read_timeout": 60,
        "init_command": f"SET SESSION innodb_lock_wait_timeout={PATIENCE_SECONDS}, time_zone='+00:00', "
        "sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    }


def _prepare_sqlite(connection: Any, record: object) -> None:  # Any: the DB-API has no type
    connection.isolation_level = None  # the "begin" event decides, not the driver
    _keep_a_log(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _keep_a_log(connection: Any) -> None:  # Any: as above
    """Switch a file to WAL; SQLite does not wait by itself for others who open a new one at the same moment."""
    deadline = ticks() + PATIENCE_SECONDS
    while True:
        try:
            return connection.execute("PRAGMA journal_mode=WAL").close()  # type: ignore[no-any-return]  # as above
        except sqlite3.OperationalError:
            if ticks() > deadline:
                raise
        time.sleep(0.005)


def _broken_check(context: ExceptionContext) -> IntegrityError | None:
    """MariaDB's driver takes a broken CHECK for a passing fault; it is a violation like any other."""
    error = context.original_exception
    if error.args[:1] != (MARIADB_CHECK_FAILED,):
        return None
    return IntegrityError(context.statement, context.parameters, error)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("farthing_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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
