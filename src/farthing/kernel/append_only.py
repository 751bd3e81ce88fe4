"""Tables to which the database itself lets rows be added and nothing else, whoever asks."""

from typing import Final

from sqlalchemy import Connection, text

PG_FUNCTION: Final = """\
CREATE OR REPLACE FUNCTION farthing_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append only', TG_TABLE_NAME; END $$"""


def protect(connection: Connection, table: str) -> None:
    """Refuse UPDATE and DELETE from now on, on PostgreSQL TRUNCATE too; needs the rights of the table's owner."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(PG_FUNCTION))
        for name, event in ((f"{table}_kept", "UPDATE OR DELETE"), (f"{table}_whole", "TRUNCATE")):
            when = f"BEFORE {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION farthing_append_only()"
            connection.execute(text(f"CREATE TRIGGER {name} {when}"))
        return
    for event in ("UPDATE", "DELETE"):
        name = f"{table}_{event.lower()}"
        if connection.dialect.name == "sqlite":
            body = f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
            connection.exec_driver_sql(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {body}")
        else:
            body = f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{table} is append only'"
            connection.exec_driver_sql(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {body}")


def unprotect(connection: Connection, table: str) -> None:
    """Take that back: for a step of the schema, never for a use case."""
    if connection.dialect.name == "postgresql":
        for name in (f"{table}_kept", f"{table}_whole"):
            connection.execute(text(f"DROP TRIGGER {name} ON {table}"))
        return
    for event in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER {table}_{event}")
