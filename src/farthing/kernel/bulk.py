"""Many rows at once, below SQLAlchemy's handling of each parameter: COPY on PostgreSQL, `executemany` elsewhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    _execute_many(connection, table, columns, rows, "INSERT")


def _execute_many(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Prepared], verb: str
) -> None:
    marks = ", ".join(_mark(connection) for _ in columns)
    connection.exec_driver_sql(f"{verb} INTO {_into(connection, table, columns)} VALUES ({marks})", list(rows))


def put_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Prepared], keys: int
) -> None:
    """Add these rows as `insert_rows` does, in the place of those that have their key.

    keys  how many of the first columns are the primary key
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        verb = "INSERT OR REPLACE" if connection.dialect.name == "sqlite" else "REPLACE"
        _execute_many(connection, table, columns, rows, verb)
        return
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        marks = ", ".join(["%s"] * keys)
        old = ", ".join([f"({marks})"] * len(some))
        same = f"({_names(connection, table, columns[:keys])}) IN (VALUES {old})"
        values = tuple(value for row in some for value in row[:keys])
        connection.exec_driver_sql(f"DELETE FROM {_named(connection, table)} WHERE {same}", values)
    insert_rows(connection, table, columns, rows)


def read_pairs(
    connection: Connection, table: Table, names: Sequence[str], mine: Mapping[str, str], columns: tuple[str, str],
    pairs: Sequence[tuple[int, int]],
) -> Iterator[Prepared]:
    """The named columns, as the database stores them, of the rows whose two columns are one of these pairs.

    mine  what the columns before them in an index are
    """
    named = connection.dialect.identifier_preparer.format_column
    wanted, of = f"SELECT {_names(connection, table, names)} FROM", _named(connection, table)
    same = " AND ".join(f"{named(table.c[column])} = {_mark(connection)}" for column in mine)
    one, other = (named(table.c[column]) for column in columns)
    for start in range(0, len(pairs), CHUNK):  # written out: as parameters each would cost more than being looked up
        listed = ",".join([f"({first:d},{second:d})" for first, second in pairs[start : start + CHUNK]])
        if connection.dialect.name in ("mysql", "mariadb"):
            statement = f"{wanted} {of} WHERE {same} AND ({one}, {other}) IN ({listed})"
        else:  # SQLite would look through all that is mine for an IN of pairs
            statement = (
                f"WITH asked (a, b) AS (VALUES {listed}) "
                f"{wanted} asked CROSS JOIN {of} WHERE {same} AND {one} = asked.a AND {other} = asked.b"
            )
        yield from (tuple(row) for row in connection.exec_driver_sql(statement, tuple(mine.values())))


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def _named(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def _names(connection: Connection, table: Table, names: Sequence[str]) -> str:
    return ", ".join(connection.dialect.identifier_preparer.format_column(table.c[name]) for name in names)


def _into(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    return f"{_named(connection, table)} ({_names(connection, table, columns)})"


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
