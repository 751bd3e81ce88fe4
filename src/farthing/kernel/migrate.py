"""Bring a store to the schema of this version, once, whoever starts first."""

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from farthing.kernel.database import Database
from farthing.kernel.problems import Misconfigured

ADVISORY_LOCK: Final = 4_711_000_001  # one migration at a time in a PostgreSQL database


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, which needs no file."""
    config = Config()
    config.set_main_option("script_location", "farthing:migrations")
    config.attributes["connection"] = connection
    return config


def schema_version(database: Database) -> str | None:
    """The step the store is at; None when it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str | None:
    """The last step this version knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def migrate(database: Database) -> None:
    """Run the steps that are missing; raises Misconfigured for a store that is ahead of this version."""
    current = schema_version(database)
    if current == newest_version():
        return
    known = {step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if current is not None and current not in known:
        raise Misconfigured(f"The store's schema is at {current}, which this version does not know: upgrade Farthing.")
    with database.write() as connection:
        _alone(connection, database.dialect)
        command.upgrade(configuration(connection), "head")


def _alone(connection: Connection, dialect: str) -> None:
    if dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    elif dialect == "mysql":
        connection.execute(text("SELECT GET_LOCK('farthing-migrate', 60)"))
