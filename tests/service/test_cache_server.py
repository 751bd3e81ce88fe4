"""The client of Redis: who answered, how long it is waited for, and nothing is sent twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farthing.kernel.cache.server import Another, Gone, RedisServer
from farthing.kernel.problems import Misconfigured
from tests.caches import CacheServer, Proxy, cache_server, until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheServer]:
    with cache_server(tmp_path_factory.mktemp("valkey")) as started:
        yield started


@pytest.fixture
def proxy(server: CacheServer) -> Iterator[Proxy]:
    between = Proxy(server.port)
    yield between
    between.close()


def test_replies_come_from_who_was_meant(server: CacheServer) -> None:
    client = RedisServer(server.url)
    identity = client.identity()
    assert identity.startswith("master ")
    assert client.ask(identity, [("SET", "a", b"1"), ("GET", "a")]) == [b"OK", b"1"]
    with pytest.raises(Another):
        client.ask("master somebody", [("GET", "a")])
    client.close()


def test_a_refused_command_is_no_answer_and_spoils_no_other(server: CacheServer) -> None:
    client = RedisServer(server.url)
    identity = client.identity()
    for _ in range(2):
        with pytest.raises(Gone):
            client.ask(identity, [("NONSENSE",), ("GET", "a")])
    assert client.ask(identity, [("SET", "a", b"2"), ("GET", "a")]) == [b"OK", b"2"]
    client.close()


def test_a_connection_that_was_closed_meanwhile_is_not_used(proxy: Proxy) -> None:
    client = RedisServer(proxy.url)
    identity = client.identity()
    for _ in range(20):
        proxy.cut()
        until(lambda: not proxy.connections)
        assert client.identity() == identity
    client.close()


def test_what_was_cut_off_is_not_sent_again(server: CacheServer, proxy: Proxy) -> None:
    """A claim that arrives twice could let an old answer in."""
    client = RedisServer(proxy.url, patience=30)
    identity = client.identity()
    server.call("SET", "count", 0)
    proxy.deaf = True
    with pytest.raises(Gone):
        client.ask(identity, [("INCR", "count")])
    proxy.deaf = False
    assert client.identity() == identity
    assert server.call("GET", "count") == b"1"
    client.close()


def test_one_that_is_silent_is_left_alone_until_it_speaks(server: CacheServer, proxy: Proxy) -> None:
    client = RedisServer(proxy.url, patience=0.5)
    client.identity()
    server.halt()
    try:
        told = set()
        for _ in range(6):
            with pytest.raises(Gone) as gone:
                client.identity()
            told.add(str(gone.value) == "left alone for a while")
        assert told == {True, False}
    finally:
        server.go_on()
    until(lambda: speaks(client))
    client.close()


def test_one_that_speaks_by_drops_is_left_alone_at_once(proxy: Proxy) -> None:
    client = RedisServer(proxy.url, patience=30)  # no single piece is late, on a busy machine either
    proxy.piece = 16
    client.identity()
    with pytest.raises(Gone, match="left alone"):
        client.identity()
    client.close()


def speaks(client: RedisServer) -> bool:
    try:
        return bool(client.identity())
    except Gone:
        return False


def test_an_address_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cache_url"):
        RedisServer("mongodb://somewhere")
