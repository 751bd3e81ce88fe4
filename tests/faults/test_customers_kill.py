"""`kill -9` of MongoDB while customers are written: what was answered is there, the rest once after its retry."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from farthing.customers.copying import PAGE
from farthing.customers.places import CustomerPlace, mongo_place
from farthing.customers.store import SqlCustomerStore
from farthing.customers.stores import Copy, CustomerRows, CustomerStore
from farthing.customers.values import Customer
from farthing.kernel.opening import open_database
from tests.servers import MongoServer
from tests.service.test_customer_store import customer
from tests.system.program import PROGRAM, Program

WRITERS = 6


class Killed(Exception):
    """What ends a transaction half-way."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    retry_after: str | None


@dataclass
class History:
    """Customers by the key under which they were sent: made, or not known whether."""

    made: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: list[Answer] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, key: str, answer: Answer) -> None:
        with self.changed:
            if answer.status == 201:
                self.made[key] = answer.body["id"]
                self.unknown.discard(key)
            else:
                self.unknown.add(key)
                self.refused.append(answer)
            self.changed.notify_all()

    def wait_for(self, made: int = 0, refused: int = 0) -> None:
        with self.changed:
            done = self.changed.wait_for(
                lambda: len(self.made) >= made and len(self.refused) >= refused, timeout=60
            )
        assert done, (len(self.made), len(self.refused))


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path / "mongo")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def program(tmp_path: Path, mongo: MongoServer) -> Iterator[Program]:
    started = Program(tmp_path / "home", environment={"FARTHING_CUSTOMERS_URL": f"{mongo.url}book"})
    started.start()
    yield started
    started.stop()


def send(
    program: Program, method: str, path: str, body: object = None, key: str | None = None, patience: float = 15
) -> Answer:
    """One request; raises TimeoutError for one that takes longer than it may (I13)."""
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=patience)
    told = {"Authorization": f"Bearer {program.secret}", "Content-Type": "application/json"}
    if key is not None:
        told["Idempotency-Key"] = key
    connection.request(method, path, None if body is None else json.dumps(body), told)
    answer = connection.getresponse()
    said = json.loads(answer.read() or b"{}")
    connection.close()
    return Answer(answer.status, said, answer.getheader("Retry-After"))


def create(program: Program, key: str) -> Answer:
    body = {"key": key, "name": key, "email": f"{key}@acme.example"}
    return send(program, "POST", "/v1/customers", body, key)


def write(program: Program, history: History, stop: threading.Event, writer: int) -> None:
    number = 0
    while not stop.is_set():
        key = f"w{writer}-{number}"
        answer = create(program, key)
        history.note(key, answer)
        number += answer.status == 201  # else once more, as a client that was told 503 does


def until(true: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("rounds", [3, pytest.param(8, marks=pytest.mark.every)])
def test_acknowledged_customers_survive_the_kill_of_mongodb(
    program: Program, mongo: MongoServer, rounds: int
) -> None:
    """I1, I3, I9, I13: 503 with Retry-After while it is gone, and it goes on by itself."""
    history, stop = History(), threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, program, history, stop, number) for number in range(WRITERS)]
        try:
            for _ in range(rounds):
                history.wait_for(made=len(history.made) + 20)
                mongo.kill()
                history.wait_for(refused=len(history.refused) + WRITERS)
                assert send(program, "GET", "/healthz").status == 200
                ready = send(program, "GET", "/readyz")
                assert (ready.status, ready.body["dependencies"]["mongodb"]["status"]) == (503, "unavailable")
                assert send(program, "GET", "/v1/meters").status == 200
                mongo.start()
                history.wait_for(made=len(history.made) + 20)
        finally:
            stop.set()
        for each in writers:
            each.result()
    assert {(one.status, one.retry_after) for one in history.refused} <= {(503, "1"), (409, "1")}
    for key in sorted(history.unknown):
        until(lambda key=key: create(program, key).status == 201)
    stored = program.every("/v1/customers")
    assert {one["key"]: one["id"] for one in stored}.items() >= history.made.items()
    assert len({one["key"] for one in stored}) == len(stored)
    assert {one["key"] for one in stored} == history.made.keys() | history.unknown
    assert program.get("/readyz")["status"] == "ok"


@pytest.mark.slow
def test_mongodb_that_stands_still_holds_up_nobody_for_long(program: Program, mongo: MongoServer) -> None:
    """F12: `kill -STOP`; the rest of the program goes on."""
    assert mongo.process is not None
    assert create(program, "before").status == 201
    os.kill(mongo.process.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(create, program, "during"), pool.submit(send, program, "GET", "/v1/customers/before")]
            assert send(program, "GET", "/healthz", patience=2).status == 200
            answers = [each.result() for each in asked]
    finally:
        os.kill(mongo.process.pid, signal.SIGCONT)
    assert [(one.status, one.retry_after) for one in answers] == [(503, "1"), (503, "1")]
    until(lambda: create(program, "during").status == 201)
    assert sorted(one["key"] for one in program.every("/v1/customers")) == ["before", "during"]


@pytest.mark.slow
def test_a_copy_that_is_killed_goes_on(tmp_path: Path, mongo: MongoServer) -> None:
    """`kill -9` while customers move: the next one adds what is missing, and nothing twice.

    Somebody who was killed holds the third page: whoever copies waits until MongoDB has ended that transaction.
    """
    program = Program(tmp_path / "home")
    program.run("migrate")
    file = tmp_path / "home" / "farthing.db"
    database = open_database(f"sqlite:///{file}", tmp_path)
    made = [customer("org_1", key=f"k{number}", email=f"{number}@acme.example") for number in range(3 * PAGE)]
    SqlCustomerStore(database).write(lambda rows: rows.add_copies([Copy(one, True) for one in made]))
    database.engine.dispose()
    arguments = [PROGRAM, "customers", "copy", "--from", f"sqlite:///{file}", "--to", f"{mongo.url}book"]
    place = mongo_place(f"{mongo.url}book")
    with held(place, sorted(made, key=lambda one: one.id)[2 * PAGE]):
        with subprocess.Popen(arguments) as copying:
            until(lambda: counted(place.store) == 2 * PAGE)
            copying.kill()
        again = subprocess.Popen([*arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert again.stderr is not None
        waits = again.stderr.readline()
    said, errors = again.communicate()
    assert again.returncode == 0, waits + errors
    told = json.loads(said)
    assert waits.startswith(b"Somebody is changing these customers")
    assert (told["added"], told["replaced"], told["left"], told["complete"]) == (PAGE, 0, 2 * PAGE, True)
    assert counted(place.store) == len(made)
    place.close()


@contextmanager
def held(place: CustomerPlace, customer: Customer) -> Iterator[None]:
    """Somebody's transaction has written this customer, and does not go on."""
    begun, over = threading.Event(), threading.Event()

    def hold(rows: CustomerRows) -> None:
        rows.add_copies([Copy(customer, True)])
        begun.set()
        over.wait()
        raise Killed

    with ThreadPoolExecutor(1) as pool:
        pool.submit(place.store.write, hold)
        try:
            assert begun.wait(30)
            yield
        finally:
            over.set()


def counted(store: CustomerStore) -> int:
    with store.read() as rows:
        return rows.counts().get("org_1", 0)
