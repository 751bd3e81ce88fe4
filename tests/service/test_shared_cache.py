"""Invoices kept in Redis: whatever happens to it, no read is older than an acknowledged write (I11, F05, F06, F12)."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from farthing.app import Farthing, open_farthing, web_application
from farthing.kernel.cache.beliefs import BeliefStore
from tests.caches import CacheServer, Proxy, binary, cache_server, until
from tests.service.books import Books
from tests.service.conftest import Api, TestClock

pytestmark = [pytest.mark.books, pytest.mark.together]
HIT, MISS = "farthing; hit", "farthing; fwd=miss"


@pytest.fixture(params=["valkey", pytest.param("redis", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CacheServer]:
    if not binary(request.param):
        pytest.skip(f"{request.param} is not installed")
    with cache_server(tmp_path / "cache", request.param) as started:
        yield started


@pytest.fixture
def proxy(server: CacheServer) -> Iterator[Proxy]:
    """Through which all processes reach the server."""
    between = Proxy(server.port)
    yield between
    between.close()


@pytest.fixture
def processes(api: Api, proxy: Proxy, clock: TestClock) -> Iterator[tuple[Api, Api]]:
    """The same caller at two processes that share the store and the server."""
    settings = replace(api.farthing.settings, cache_url=proxy.url)
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(open_farthing(settings, clock))) for _ in range(2)]
        one, other = [
            Api(farthing, web_application(farthing).test_client(), api.organization, api.secret, clock)
            for farthing in opened
        ]
        yield one, other


@pytest.fixture
def invoice(books: Books) -> str:
    """The id of an open invoice over 30.00 USD."""
    books.customer()
    return str(books.one_off("30.00")["id"])


def read(api: Api, invoice: str) -> tuple[str, str]:
    """How the cache answered, and what is paid."""
    answer = api.get(f"/v1/invoices/{invoice}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.headers["Cache-Status"], (answer.json or {})["amount_paid"]


def pay(api: Api, invoice: str) -> None:
    api.made("/v1/payments", {"invoice": invoice, "amount": "1.00", "currency": "USD", "method": "wire"})


def until_kept(api: Api, invoice: str, paid: str) -> None:
    """Read until the answer is a kept one; each on the way must be current."""

    def kept() -> bool:
        status, found = read(api, invoice)
        assert found == paid
        return status == HIT

    until(kept)


def test_what_one_process_loaded_the_other_finds(processes: tuple[Api, Api], invoice: str) -> None:
    one, other = processes
    until_kept(one, invoice, "0.00")
    assert read(other, invoice) == (HIT, "0.00")
    pay(other, invoice)
    assert read(one, invoice) == (MISS, "1.00")
    assert [read(each, invoice) for each in processes] == [(HIT, "1.00")] * 2


def test_a_process_without_the_cache_ends_it_for_all(api: Api, processes: tuple[Api, Api], invoice: str) -> None:
    """An operator's command line, say, that was given no FARTHING_CACHE_URL."""
    one, _ = processes
    until_kept(one, invoice, "0.00")
    pay(api, invoice)
    assert read(one, invoice) == (MISS, "1.00")
    until_kept(one, invoice, "1.00")


def test_it_is_named_and_never_what_makes_a_process_unready(
    server: CacheServer, processes: tuple[Api, Api], api: Api
) -> None:
    one, _ = processes
    told = one.get("/readyz").json or {}
    assert (told["status"], told["dependencies"]["cache"]["status"]) == ("ok", "ok")
    assert told["dependencies"]["cache"]["version"].split()[0] == server.kind
    server.kill()
    answer = one.get("/readyz")
    assert (answer.status_code, (answer.json or {})["status"]) == (200, "degraded")
    assert (answer.json or {})["dependencies"]["cache"] == {"status": "unavailable", "reason": "Gone"}
    assert "cache" not in (api.get("/readyz").json or {})["dependencies"]


def test_a_cache_that_was_never_there_costs_nothing_but_time(
    api: Api, clock: TestClock, invoice: str, tmp_path: Path
) -> None:
    """It is believed as soon as it is there."""
    server = CacheServer(tmp_path / "late")
    settings = replace(api.farthing.settings, cache_url=server.url)
    with closing(open_farthing(settings, clock)) as farthing:
        one = Api(farthing, web_application(farthing).test_client(), api.organization, api.secret, clock)
        assert read(one, invoice) == (MISS, "0.00")
        pay(one, invoice)
        assert read(one, invoice) == (MISS, "1.00")
        server.start()
        try:
            until_kept(one, invoice, "1.00")
        finally:
            server.stop()


def test_a_retry_acknowledges_again_what_its_first_request_did(
    server: CacheServer, processes: tuple[Api, Api], invoice: str
) -> None:
    """The first may have died before it cleared the cache; what it left there must not outlive the retry's answer."""
    one, other = processes
    until_kept(one, invoice, "0.00")
    [key] = server.call("KEYS", f"*{invoice}")
    old = server.call("GET", key)
    body = {"invoice": invoice, "amount": "1.00", "currency": "USD", "method": "wire", "reference": "r1"}
    for headers, status in (({"Idempotency-Key": "k1"}, 201), ({"Idempotency-Key": "k1"}, 201), ({}, 200)):
        assert one.post("/v1/payments", body, headers=headers).status_code == status
        assert read(other, invoice)[1] == "1.00"
        server.call("SET", key, old)  # as if nobody had cleared it


def test_emptied(server: CacheServer, processes: tuple[Api, Api], invoice: str) -> None:
    one, other = processes
    until_kept(one, invoice, "0.00")
    server.call("FLUSHALL")
    assert [read(one, invoice), read(other, invoice)] == [(MISS, "0.00"), (HIT, "0.00")]


def test_killed_and_back_with_an_old_snapshot(server: CacheServer, processes: tuple[Api, Api], invoice: str) -> None:
    one, other = processes
    until_kept(one, invoice, "0.00")
    server.call("SAVE")
    pay(one, invoice)
    server.kill()
    assert [read(each, invoice) for each in processes] == [(MISS, "1.00")] * 2
    pay(other, invoice)
    server.start()
    assert int(server.call("DBSIZE")) > 0
    until_kept(one, invoice, "2.00")
    assert read(other, invoice)[1] == "2.00"


def test_halted_while_it_was_paid(server: CacheServer, processes: tuple[Api, Api], invoice: str) -> None:
    """What it was sent meanwhile it carries out when it goes on."""
    one, other = processes
    until_kept(one, invoice, "0.00")
    server.halt()
    try:
        assert read(one, invoice) == (MISS, "0.00")
        pay(one, invoice)
        assert [read(each, invoice) for each in processes] == [(MISS, "1.00")] * 2
    finally:
        server.go_on()
    assert read(other, invoice)[1] == "1.00"
    until_kept(one, invoice, "1.00")


@pytest.mark.parametrize("deaf", [False, True], ids=["before the command", "before its answer"])
def test_cut_off_while_it_was_paid(
    server: CacheServer, proxy: Proxy, processes: tuple[Api, Api], invoice: str, deaf: bool
) -> None:
    one, other = processes
    until_kept(one, invoice, "0.00")
    proxy.deaf, proxy.refusing = deaf, not deaf
    if not deaf:
        proxy.cut()
    pay(one, invoice)
    proxy.deaf = proxy.refusing = False
    assert read(other, invoice)[1] == "1.00"
    until_kept(other, invoice, "1.00")


def test_handed_over_to_a_replica_that_lags(
    server: CacheServer, proxy: Proxy, processes: tuple[Api, Api], invoice: str, tmp_path: Path
) -> None:
    one, other = processes
    until_kept(one, invoice, "0.00")
    with cache_server(tmp_path / "replica", server.kind) as replica:
        follow(replica, server)
        until(lambda: replica.call("DBSIZE") == server.call("DBSIZE"))
        replica.call("REPLICAOF", "NO", "ONE")  # it hears of nothing more
        pay(one, invoice)
        server.kill()
        proxy.target = replica.port
        assert read(other, invoice)[1] == "1.00"
        until_kept(one, invoice, "1.00")


def test_made_to_follow_another_and_set_free_again(
    server: CacheServer, processes: tuple[Api, Api], invoice: str, tmp_path: Path
) -> None:
    """The same process with older data: its run_id does not tell, and nobody was hung up on."""
    one, other = processes
    until_kept(one, invoice, "0.00")
    with cache_server(tmp_path / "replica", server.kind) as replica:
        follow(replica, server)
        until_kept(one, invoice, "0.00")  # to have a replica gives a server another life
        until(lambda: replica.call("DBSIZE") == server.call("DBSIZE"))
        replica.call("REPLICAOF", "NO", "ONE")
        pay(one, invoice)
        until_kept(one, invoice, "1.00")
        follow(server, replica)
        server.call("REPLICAOF", "NO", "ONE")
        assert read(other, invoice)[1] == "1.00"
        until_kept(one, invoice, "1.00")


def follow(replica: CacheServer, primary: CacheServer) -> None:
    replica.call("REPLICAOF", "127.0.0.1", primary.port)
    until(lambda: b"master_link_status:up" in raw(replica, "INFO", "replication"))


def raw(server: CacheServer, *command: str) -> bytes:
    return str(server.call(*command)).replace("'", "").replace(": ", ":").encode()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_server_is_not_believed_before_writers_who_saw_none_have_committed(farthing: Farthing) -> None:
    """They told nobody what they change, so that what is filled under the new belief must be loaded after them."""
    refused: list[str] = []

    def believe() -> None:
        with farthing.database.write() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
            store = BeliefStore(connection)
            store.begin(store.find(), "master 1")

    def try_to_believe() -> None:
        try:
            believe()
        except OperationalError as error:
            refused.append(str(error.orig))

    with farthing.database.write() as connection:
        BeliefStore(connection).end(BeliefStore(connection).find())
    with farthing.database.write() as connection:
        assert BeliefStore(connection).find(lock=True).server is None
        other = threading.Thread(target=try_to_believe)
        other.start()
        other.join(20)
    assert len(refused) == 1
    assert "lock timeout" in refused[0]
