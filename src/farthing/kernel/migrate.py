"""Bring a store to the schema of this version, once, whoever starts first.

Alembic is imported only when there is something to do: every command looks, few migrate.
"""

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from farthing.kernel.database import Database
from farthing.kernel.problems import Misconfigured

if TYPE_CHECKING:
    from alembic.config import Config

ADVISORY_LOCK: Final = 4_711_000_001  # one migration at a time in a PostgreSQL database
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

    with database.write() as connection:
        _alone(connection, database.dialect)
        command.upgrade(configuration(connection), "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _alone(connection: Connection, dialect: str) -> None:
    if dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    elif dialect == "mysql":
        connection.execute(text("SELECT GET_LOCK('farthing-migrate', 60)"))
