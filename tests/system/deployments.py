"""The two ways to run everything: one process on SQLite, and the compose file's services behind the gateway."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from tests.ports import free_port
from tests.system.client import Caller
from tests.system.program import Program
from tests.topology import Topology


class Deployment(Protocol):
    """What tests need to know of either."""

    apart: bool

    @property
    def url(self) -> str:
        """Where callers ask."""

    def run(self, room: str, *arguments: str) -> str:
        """What a command prints where this room is."""

    def addresses(self, room: str) -> list[str]:
        """Where each instance of a room is reached, past any gateway."""

    def home(self, room: str) -> Path: ...

    def log(self, room: str) -> str:
        """What all instances of a room have said."""

    def has_customer(self, customer_id: str) -> bool:
        """Whether the store that customers belong in has this one."""

    def close(self) -> None: ...


@dataclass
class OneProcess:
    """`farthing serve` and nothing else."""

    folder: Path
    apart: bool = False
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.program = Program(self.folder / "home", secret="none")
        self.program.port = free_port()
        self.program.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.program.port}"

    def run(self, room: str, *arguments: str) -> str:
        return self.program.run(*arguments)

    def addresses(self, room: str) -> list[str]:
        return [self.url]

    def home(self, room: str) -> Path:
        return self.program.home

    def log(self, room: str) -> str:
        return (self.folder / "server.log").read_text("utf-8")

    def has_customer(self, customer_id: str) -> bool:
        with closing(sqlite3.connect(self.program.home / "farthing.db")) as store:
            return store.execute("SELECT 1 FROM customers WHERE id = ?", [customer_id]).fetchone() is not None

    def close(self) -> None:
        self.program.stop()


@dataclass
class Apart:
    """The services of the compose file."""

    folder: Path
    apart: bool = True
    topology: Topology = field(init=False)

    def __post_init__(self) -> None:
        self.topology = Topology(self.folder)
        try:
            self.topology.start()
        except BaseException:
            self.topology.close()
            raise

    @property
    def url(self) -> str:
        return self.topology.url

    def run(self, room: str, *arguments: str) -> str:
        return self.topology.run(room, *arguments)

    def addresses(self, room: str) -> list[str]:
        return [self.topology.address(one.name) for one in self.topology.instances(room)]

    def home(self, room: str) -> Path:
        return self.topology.home(room)

    def log(self, room: str) -> str:
        return self.topology.log(room)

    def has_customer(self, customer_id: str) -> bool:
        import pymongo

        url = Path(self.topology.processes["customers"].environment["FARTHING_CUSTOMERS_URL_FILE"]).read_text("utf-8")
        client: pymongo.MongoClient[Any] = pymongo.MongoClient(url)
        with client:
            return client.get_default_database()["customers"].find_one({"_id": customer_id}) is not None

    def close(self) -> None:
        self.topology.close()


names = count(1)


@dataclass(frozen=True)
class Organization:
    """One organisation of a deployment, and its administrator."""

    deployment: Deployment
    id: str
    admin: Caller

    def key(self, *scopes: str) -> Caller:
        """A caller with a key of these scopes."""
        made = self.admin.made("/v1/api-keys", {"scopes": list(scopes)})
        return self.admin.with_token(made["secret"])

    def user(self, password: str) -> str:
        """The name of a new user, made as an operator does."""
        name = f"user-{next(names)}-{self.id[-6:]}"
        self.deployment.run(
            "identity", "users", "create", "--username", name, "--password", password, "--org", self.id,
        )
        return name


def new_organization(deployment: Deployment) -> Organization:
    """An organisation of its own for each test, made as an operator does."""
    made = json.loads(deployment.run("identity", "orgs", "create", "--name", f"Testers {next(names)}", "--json"))
    key = json.loads(deployment.run(
        "identity", "keys", "create", "--scopes", "admin", "--org", made["id"], "--json",
    ))
    return Organization(deployment, made["id"], Caller(deployment.url, key["secret"]))
