"""From a URL to an engine: drivers, patience with others, and what SQLite needs to be told at each connection."""

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

from farthing.kernel.clock import ticks
from farthing.kernel.database import PATIENCE_SECONDS, Database
from farthing.kernel.filelock import FileLock
from farthing.kernel.problems import Misconfigured

CONNECT_SECONDS: Final = 3
MARIADB_CHECK_FAILED: Final = 4025
DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def open_database(url: str, home: Path) -> Database:
    """The database that `url` names, or the home's own SQLite file; raises Misconfigured."""
    place = database_url(url, home)
    if place.get_backend_name() == "sqlite":
        engine = create_engine(place, connect_args={"timeout": PATIENCE_SECONDS}, pool_size=32, max_overflow=32)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine, FileLock(Path(f"{place.database}.lock"), threading.Lock()))
    engine = _server_engine(place)
    if engine.dialect.name == "mysql" and _is_mariadb(engine):  # the two make tables by different words
        engine.dispose()
        engine = _server_engine(place.set(drivername=DRIVERS["mariadb"]))
    return Database(engine, None)


def _server_engine(place: URL) -> Engine:
    try:
        engine = create_engine(
            place, pool_size=16, max_overflow=16, pool_pre_ping=True, pool_recycle=1800,
            isolation_level="READ COMMITTED", connect_args=_patience(place.get_backend_name()),
        )
    except ModuleNotFoundError as error:
        extra = "postgresql" if place.get_backend_name() == "postgresql" else "mysql"
        raise Misconfigured(f"database_url needs a driver: pip install 'farthing[{extra}]'.") from error
    event.listen(engine, "handle_error", _broken_check, retval=True)
    return engine


def _is_mariadb(engine: Engine) -> bool:
    """What answers under a MySQL URL; one that does not answer is told of by whoever asks it first."""
    try:
        with engine.connect():
            return bool(getattr(engine.dialect, "is_mariadb", False))
    except OperationalError:
        return False


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
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-32000", "wal_autocheckpoint=20000"):
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
