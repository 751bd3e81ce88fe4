"""Stores to measure on: ours, and SQLite with nothing around it; both durable with each commit."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any  # in rows: whatever SQLite stores

from farthing.app import Farthing, open_farthing
from farthing.kernel.settings import load_settings


@contextmanager
def our_store(folder: Path, name: str, now: datetime, url: str = "") -> Iterator[Farthing]:
    """A new store in a folder of its own, whose clock stands still; `url` names a database that is not SQLite's."""
    settings = load_settings({"FARTHING_DATABASE_URL": url} if url else {}, home=str(folder / name))
    with closing(open_farthing(settings, lambda organization: now)) as farthing:
        yield farthing


@contextmanager
def raw_store(place: Path, *schema: str) -> Iterator[sqlite3.Connection]:
    """A new SQLite file, as durable as ours."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *schema):
            connection.execute(statement)
        yield connection


def insert_raw(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]], batch: int) -> None:
    """The rows, so many in a transaction."""
    for start in range(0, len(rows), batch):
        connection.execute("BEGIN IMMEDIATE")
        insert_rows(connection, table, rows[start : start + batch])
        connection.execute("COMMIT")


def insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """The rows, in the transaction under way."""
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def count_raw(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
