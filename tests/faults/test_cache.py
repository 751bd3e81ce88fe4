"""F05, F06, F12 on the invoice cache: with servers that share a store and a Redis to which everything happens,
no read is older than a payment that was acknowledged before it began (I11), and no request fails.
"""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.caches import CacheServer, Proxy, binary, cache_server, until
from tests.servers import Servers, needs
from tests.system.program import Program

GONE = (OSError, HTTPException)  # what a request raises when the server dies under it
READERS, WRITERS = 2, 2  # of each server
AMOUNT = 1_000_000


@dataclass
class History:
    """What was acknowledged, what was read, and what should not have been.

    begun, paid  payments of the one invoice, each of 1.00: those that may have been made, and those told to be
    """

    invoice: str
    begun: int = 0
    paid: int = 0
    reads: int = 0
    servers_die: bool = False
    wrong: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    over: threading.Event = field(default_factory=threading.Event)

    def told(self, **more: int) -> None:
        with self.changed:
            for name, count in more.items():
                setattr(self, name, getattr(self, name) + count)
            self.changed.notify_all()

    def failed(self, what: str) -> None:
        with self.changed:
            self.wrong.append(what)
            self.changed.notify_all()

    def go_on(self, paid: int = 12, reads: int = 25) -> None:
        """Until so many more are paid and read, or something went wrong."""
        with self.changed:
            goal = (self.paid + paid, self.reads + reads)
            done = self.changed.wait_for(
                lambda: self.wrong or (self.paid >= goal[0] and self.reads >= goal[1]), timeout=60
            )
            assert done, "nothing goes on any more"
            assert not self.wrong, self.wrong[:3]


@dataclass
class Caller:
    """Reads or pays at one server, one request after another."""

    program: Program
    history: History
    elsewhere: Program

    def read(self) -> None:
        paid = self.history.paid
        try:
            status, body = self.program.call("GET", f"/v1/invoices/{self.history.invoice}")
        except GONE:
            return self._gone()
        begun = self.history.begun
        found = int(str(body.get("amount_paid", "-1.00")).removesuffix(".00"))
        if status != 200 or not paid <= found <= begun:
            self.history.failed(f"read {status} {found} where {paid} to {begun} were paid")
        return self.history.told(reads=1)

    def pay(self) -> None:
        self.history.told(begun=1)
        body = {"invoice": self.history.invoice, "amount": "1.00", "currency": "USD", "method": "wire"}
        key = f"{id(self)}-{self.history.begun}-{threading.get_ident()}-{self.history.reads}"
        for program in (self.program, self.elsewhere):
            try:
                status, answer = program.call("POST", "/v1/payments", body, Idempotency_Key=key)
            except GONE:
                self._gone()
                continue
            if status != 201:
                self.history.failed(f"paid {status} {answer}")
            return self.history.told(paid=1)
        return None

    def _gone(self) -> None:
        if not self.history.servers_die:
            self.history.failed("a server hung up")
        self.history.over.wait(0.05)


@dataclass
class Cluster:
    """Two servers on one PostgreSQL and, through a proxy, one Redis."""

    programs: list[Program]
    server: CacheServer
    proxy: Proxy
    history: History

    def callers(self) -> list[threading.Thread]:
        """Running until it is over."""
        one, other = self.programs
        acts: list[Callable[[], None]] = []
        for here, there in ((one, other), (other, one)):
            acts += [Caller(here, self.history, there).read for _ in range(READERS)]
            acts += [Caller(here, self.history, there).pay for _ in range(WRITERS)]
        return [threading.Thread(target=self._repeat, args=(act,), daemon=True) for act in acts]

    def _repeat(self, act: Callable[[], None]) -> None:
        while not self.history.over.is_set() and not self.history.wrong:
            act()


def invoice_of(program: Program) -> str:
    """An open invoice that takes many payments."""
    program.post("/v1/customers", {"key": "acme", "name": "Acme"})
    line = {"description": "Much", "quantity": "1", "unit_amount": str(AMOUNT)}
    draft = program.post("/v1/invoices", {"customer": "acme", "currency": "USD", "lines": [line]})
    return str(program.post(f"/v1/invoices/{draft['id']}/finalize", None)["id"])


@pytest.fixture(params=["valkey", pytest.param("redis", marks=pytest.mark.slow)])
def cluster(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Iterator[Cluster]:
    if not binary(request.param):
        pytest.skip(f"{request.param} is not installed")
    url = needs("postgresql", servers)
    with ExitStack() as stack:
        server = stack.enter_context(cache_server(tmp_path / "redis", request.param))
        proxy = Proxy(server.port)
        stack.callback(proxy.close)
        programs = [Program(tmp_path / name / "home", url) for name in ("one", "other")]
        for program in programs:
            program.home.parent.mkdir()
            program.environment = {"FARTHING_CACHE_URL": proxy.url}
            program.secret = programs[0].secret
            stack.callback(program.stop)
            program.start()
        yield Cluster(programs, server, proxy, History(invoice_of(programs[0])))


def emptied(cluster: Cluster) -> None:
    cluster.server.call("FLUSHALL")


def killed(cluster: Cluster) -> None:
    cluster.server.kill()
    cluster.history.go_on()
    cluster.server.start()


def back_with_an_old_snapshot(cluster: Cluster) -> None:
    cluster.server.call("SAVE")
    cluster.history.go_on()
    killed(cluster)


def halted(cluster: Cluster) -> None:
    cluster.server.halt()
    try:
        cluster.history.go_on()
    finally:
        cluster.server.go_on()


def cut_off(cluster: Cluster) -> None:
    for _ in range(5):
        cluster.proxy.cut()
        cluster.history.go_on(paid=3, reads=3)


def answers_lost(cluster: Cluster) -> None:
    cluster.proxy.deaf = True
    cluster.history.go_on()
    cluster.proxy.deaf = False


def out_of_reach(cluster: Cluster) -> None:
    cluster.proxy.refusing = True
    cluster.proxy.cut()
    cluster.history.go_on()
    cluster.proxy.refusing = False


def a_server_killed(cluster: Cluster) -> None:
    """Its writers go on at the other one, with the same Idempotency-Key."""
    cluster.history.servers_die = True
    cluster.programs[1].kill()
    cluster.history.go_on(reads=5)
    cluster.programs[1].start()


FAULTS = (
    *(emptied, killed, back_with_an_old_snapshot, halted, cut_off, answers_lost, out_of_reach, a_server_killed),
)


@pytest.mark.parametrize("rounds", [3, pytest.param(8, marks=pytest.mark.every)])
def test_no_read_is_older_than_an_acknowledged_payment(cluster: Cluster, rounds: int) -> None:
    threads = cluster.callers()
    for thread in threads:
        thread.start()
    try:
        for _ in range(rounds):
            for fault in FAULTS:
                fault(cluster)
                cluster.history.go_on()
    finally:
        cluster.history.over.set()
        for thread in threads:
            thread.join(60)
    assert cluster.history.wrong == []
    settled = cluster.programs[0].get(f"/v1/invoices/{cluster.history.invoice}")["amount_paid"]
    assert cluster.history.paid <= int(settled.removesuffix(".00")) <= cluster.history.begun
    until(lambda: all(kept(program, cluster.history.invoice) for program in cluster.programs))


def kept(program: Program, invoice: str) -> bool:
    """Whether reads are served from the cache (again)."""
    request = urllib.request.Request(f"http://127.0.0.1:{program.port}/v1/invoices/{invoice}")
    request.add_header("Authorization", f"Bearer {program.secret}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.headers["Cache-Status"]) == "farthing; hit"


@pytest.mark.parametrize("rounds", [3, pytest.param(25, marks=pytest.mark.every)])
def test_a_writer_killed_on_sqlite_leaves_nothing_stale(tmp_path: Path, rounds: int) -> None:
    """What the one left shows is what the store says, whatever became of the payments of the other."""
    one, other = Program(tmp_path / "home"), Program(tmp_path / "home")
    try:
        one.start()
        other.secret = one.secret
        invoice = invoice_of(one)
        for number in range(rounds):
            other.start()
            stop = threading.Event()
            payer = threading.Thread(target=pay_until_gone, args=(other, invoice, stop), daemon=True)
            before = paid_by_list(one)
            payer.start()
            until(lambda: paid_by_list(one) != before)  # noqa: B023  # it is over within the round
            for _ in range(number + 1):
                one.get(f"/v1/invoices/{invoice}")
            other.kill()
            stop.set()
            payer.join(60)
            assert one.get(f"/v1/invoices/{invoice}")["amount_paid"] == paid_by_list(one)
            one.post("/v1/payments", {"invoice": invoice, "amount": "1.00", "currency": "USD", "method": "wire"})
            until(lambda: kept(one, invoice))
            assert one.get(f"/v1/invoices/{invoice}")["amount_paid"] == paid_by_list(one)
    finally:
        one.stop()
        other.stop()


def pay_until_gone(program: Program, invoice: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            program.post("/v1/payments", {"invoice": invoice, "amount": "1.00", "currency": "USD", "method": "wire"})
        except GONE:
            return


def paid_by_list(program: Program) -> Any:
    """What the store says, of which nothing is kept."""
    return program.get("/v1/invoices")["data"][0]["amount_paid"]
