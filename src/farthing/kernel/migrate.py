"""Bring a store to the schema of this version, once, whoever starts first.

Alembic is imported only when there is something to do: every command looks, few migrate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from farthing.kernel.database import Database
from farthing.kernel.problems import Misconfigured, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

LOCKS: Final = {  # by dialect: how one migration at a time holds a database, and lets go of it
    "postgresql": ("SELECT pg_advisory_lock(4711000001)", "SELECT pg_advisory_unlock(4711000001)"),
    "mysql": (  # whose names are the server's
        "SELECT GET_LOCK(CONCAT('farthing-', MD5(DATABASE())), 40)",
        "SELECT RELEASE_LOCK(CONCAT('farthing-', MD5(DATABASE())))",
    ),
}
STEPS: Final = tuple(sorted(
    entry.name.removesuffix(".py")
    for entry in files("farthing.migrations").joinpath("versions").iterdir() if entry.name.endswith(".py")
))  # a step's file is named after its revision, and they sort in order


def configuration(connection: Connection | None = None) -> "Config":
    """Alembic's configuration, which needs no file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "farthing:migrations")
    config.attributes["connection"] = connection
    return config


def schema_version(database: Database) -> str | None:
    """The step the store is at; None when it is empty."""
    with database.read() as connection:
        return _version(connection)


def newest_version() -> str:
    """The last step this version knows."""
    return STEPS[-1]


def migrate(database: Database) -> None:
    """Run the steps that are missing; raises Misconfigured for a store that is ahead of this version."""
    current = schema_version(database)
    if current == newest_version():
        return
    if current is not None and current not in STEPS:
        raise Misconfigured(f"The store's schema is at {current}, which this version does not know: upgrade Farthing.")
    from alembic import command

    with _alone(database), database.write() as connection:
        command.upgrade(configuration(connection), "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Keep other processes from migrating this store until all is committed; raises Unavailable."""
    if database.dialect not in LOCKS:  # SQLite's writers are one at a time anyway
        yield
        return
    lock, unlock = LOCKS[database.dialect]
    with database.engine.connect() as holder:
        if holder.execute(text(lock)).scalar() == 0:
            raise Unavailable("Another process is bringing the store to this version's schema and does not end.")
        try:
            yield
        finally:
            holder.execute(text(unlock))
