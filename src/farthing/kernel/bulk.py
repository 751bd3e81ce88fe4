"""Many rows at once, below SQLAlchemy's handling of each parameter: COPY on PostgreSQL, `executemany` elsewhere."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

Prepared = tuple[Any, ...]  # Any: what the driver takes as it is, in the order of the columns
CHUNK: Final = 1_000  # rows that COPY is handed together


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Prepared]) -> None:
    """Add these rows in the transaction under way.

    columns  the names of those that are given, also one of Python's own default; every other is left to the database
    rows     as the database stores them: instants by `stored_instant`, exact numbers and JSON as text, digests as bytes
    raises   IntegrityError as SQLAlchemy does, so that `refusing` names it

    The audit log does not see these rows, so it is for tables that it leaves out.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {_into(connection, table, columns)} FROM STDIN", rows)
        return
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    marks = ", ".join(mark for _ in columns)
    connection.exec_driver_sql(f"INSERT INTO {_into(connection, table, columns)} VALUES ({marks})", list(rows))


def _into(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    quoted = connection.dialect.identifier_preparer
    names = ", ".join(quoted.format_column(table.c[name]) for name in columns)
    return f"{quoted.format_table(table)} ({names})"


def _copy(connection: Connection, statement: str, rows: Sequence[Prepared]) -> None:
    driver: Any = connection.connection.driver_connection  # Any: psycopg is not always there
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for start in range(0, len(rows), CHUNK):
                copy.write("".join([_line(row) for row in rows[start : start + CHUNK]]))
    except errors as error:
        raise DBAPIError.instance(statement, None, error, errors) from error


def _line(row: Prepared) -> str:
    """A row of COPY's text format."""
    return "\t".join([_ESCAPED[type(value)](value) for value in row]) + "\n"


def _text(value: str) -> str:
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
            value = value.replace(plain, escaped)
    return value


_ESCAPED: Final[dict[type, Callable[[Any], str]]] = {  # Any: as above
    type(None): lambda value: "\\N", int: str, str: _text, bytes: lambda value: f"\\\\x{value.hex()}",
    bool: str,
}
