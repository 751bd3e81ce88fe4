"""The gateway alone, on its own configuration, before services that only tell what reached them."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from farthing.kernel.settings import ROOMS
from tests.ports import free_port
from tests.system.client import Answer, Caller, until
from tests.system.test_deployment_files import make_certificate, tool
from tests.topology import gateway_configuration

INSTANCES = [*(room for room in ROOMS if room != "billing"), "billing-1", "billing-2"]


class Handler(BaseHTTPRequestHandler):
    """Tells what it was asked; `/v1/invoices/die` breaks the connection in the first billing instance."""

    protocol_version = "HTTP/1.1"
    server: "Upstream"

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path))
        if self.path == "/v1/invoices/die" and self.server.name == "billing-1":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        told = {
            "by": self.server.name, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
            "bytes": len(body),
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_one

    def log_message(self, format: str, *args: Any) -> None:  # Any: as in the base class
        pass


class Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.asked: list[tuple[str, str]] = []


@dataclass
class Gateway:
    port: int
    upstreams: dict[str, Upstream]
    process: "subprocess.Popen[bytes]"
    sources: Iterator[int] = field(default_factory=lambda: iter(range(2, 250)))

    def call(self, method: str, path: str, body: bytes | None = None, source: str = "", **headers: str) -> Answer:
        return Caller(f"http://127.0.0.1:{self.port}", "", source).call(method, path, body, **headers)

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def somebody(self) -> str:
        """An address that nobody has asked from."""
        return f"127.0.3.{next(self.sources)}"


def started(folder: Path, tls: Path | None = None) -> Gateway:
    upstreams = {name: Upstream(name) for name in INSTANCES}
    for one in upstreams.values():
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    port, secure = free_port(), free_port()
    gateway_configuration(folder, port, {name: one.server_address[1] for name, one in upstreams.items()})
    if tls is not None:
        text = (folder / "tls.conf.example").read_text("utf-8").replace("/run/secrets", str(tls))
        (folder / "plain.conf").write_text(text.replace("listen 8443", f"listen 127.0.0.1:{secure}"), "utf-8")
    (folder / "run").mkdir()
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [tool("nginx", "Debian: nginx-light"), "-p", folder / "run", "-c", folder / "nginx.conf", *user],
        stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"), start_new_session=True,
    )
    gateway = Gateway(port if tls is None else secure, upstreams, process)
    until(lambda: listens(gateway.port))
    return gateway


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ended(gateway: Gateway) -> None:
    os.killpg(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()
    for one in gateway.upstreams.values():
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = started(tmp_path_factory.mktemp("gateway") / "conf")
    yield running
    ended(running)


def refused(answer: Answer, status: int) -> None:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.json
    assert (told["status"], told["error"]) == (status, told["title"])
    assert told["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "by"), [
    ("/v1/login", "identity"), ("/.well-known/jwks.json", "identity"), ("/v1/api-keys/key_1", "identity"),
    ("/openapi.json", "identity"), ("/docs", "identity"), ("/docs/start.js", "identity"),
    ("/v1/customers", "customers"), ("/v1/customers/a%20b?x=1", "customers"), ("/v1/plans/pro@2", "catalog"),
    ("/v1/rate", "catalog"), ("/v1/events/void", "usage"), ("/v1/usage?meter=calls", "usage"),
    ("/v1/payments", "payments"),
])
def test_a_path_goes_to_its_service_as_it_was_sent(gateway: Gateway, path: str, by: str) -> None:
    answer = gateway.call("GET", path)
    assert (answer.status, answer.json["by"], answer.json["path"]) == (200, by, path)


def test_replicas_take_turns(gateway: Gateway) -> None:
    assert {gateway.call("GET", "/v1/invoices").json["by"] for _ in range(20)} == {"billing-1", "billing-2"}


@pytest.mark.parametrize("room", ROOMS)
def test_readiness_of_each_service_has_a_name(gateway: Gateway, room: str) -> None:
    told = gateway.call("GET", f"/readyz/{room}").json
    assert (told["by"].partition("-")[0], told["path"]) == (room, "/readyz")


def test_the_gateway_has_a_health_of_its_own(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", [
    "/internal/customers", "/internal", "//internal/x", "/./internal/x", "/v1/../internal/x", "/v1/%2e%2e/internal/x",
    "/v1/customers/..%2f..%2finternal/x", "/v1/customers/%2E%2e%2F%2e.%2finternal", "/%69nternal/x",
    "/internal/../v1/customers", "/v1/customers/./x", "/v1/x/../customers", "/INTERNAL/x", "/metrics", "/readyz",
    "/readyz/gateway", "/readyz/nobody", "/", "/v1/nothing", "/%761/customers", "/v1/customers/..",
])
def test_what_is_not_for_callers_is_not_there(gateway: Gateway, path: str) -> None:
    """Whatever way it is written; and no service hears of it."""
    before = sum(len(one.asked) for one in gateway.upstreams.values())
    refused(gateway.call("GET", path), 404)
    assert sum(len(one.asked) for one in gateway.upstreams.values()) == before


@pytest.mark.parametrize("path", ["/../internal/x", "/v1/../../internal/x", "/v1/%00", "/v1/%zz"])
def test_a_path_that_is_none_is_refused(gateway: Gateway, path: str) -> None:
    refused(gateway.call("GET", path), 400)


def test_an_address_is_the_real_one(gateway: Gateway) -> None:
    """What the client claims about itself is not passed on."""
    headers = gateway.call(
        "GET", "/v1/customers", X_Forwarded_For="6.6.6.6", X_Real_IP="6.6.6.6", Forwarded="for=6.6.6.6",
        Farthing_Caller="6.6.6.6",
    ).json["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "6.6.6.6" not in json.dumps(headers)


def test_a_request_has_one_id_from_end_to_end(gateway: Gateway) -> None:
    given = gateway.call("GET", "/v1/customers", X_Request_ID="mine-1", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert given.json["headers"]["x-request-id"] == "mine-1"
    assert given.json["headers"]["traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01"
    assert gateway.call("GET", "/nothing", X_Request_ID="mine-2").json["request_id"] == "mine-2"
    made = {gateway.call("GET", "/v1/customers").json["headers"]["x-request-id"] for _ in range(2)}
    assert len(made) == 2


@pytest.mark.parametrize("bad", ["a b", "x" * 129, "\t"])
def test_an_id_that_is_none_is_replaced(gateway: Gateway, bad: str) -> None:
    assert gateway.call("GET", "/v1/customers", X_Request_ID=bad).json["headers"]["x-request-id"].startswith("req_")


def test_an_id_cannot_break_the_answer(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/nothing", X_Request_ID='","admin":"yes\\')
    assert (answer.status, set(answer.json)) == (404, {"type", "title", "status", "detail", "error", "request_id"})


@pytest.mark.parametrize(("path", "most"), [
    ("/v1/customers", 1024**2), ("/v1/events", 10 * 1024**2), ("/v1/events/", 10 * 1024**2), ("/v1/login", 16 * 1024),
    ("/v1/refresh", 16 * 1024),
])
def test_bodies_have_a_limit(gateway: Gateway, path: str, most: int) -> None:
    """T47 (a password of 1 MB) among them."""
    assert gateway.call("POST", path, b"x" * most).json["bytes"] == most
    refused(gateway.call("POST", path, b"x" * (most + 1)), 413)


@pytest.mark.parametrize("name", ["Authorization", "X-Anything"])
def test_headers_have_a_limit(gateway: Gateway, name: str) -> None:
    assert gateway.call("GET", "/v1/customers", None, "", **{name: "x" * 7000}).status == 200
    refused(gateway.call("GET", "/v1/customers", None, "", **{name: "x" * 9000}), 431)
    refused(gateway.call("GET", f"/v1/customers?q={'x' * 9000}"), 414)


@pytest.mark.parametrize("sent", [
    b"garbage\r\n\r\n", b"GET /v1/customers HTTP/1.1\r\n\r\n",
    b"GET /v1/customers HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /v1/customers HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/customers HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
])
def test_what_cannot_be_read_is_refused(gateway: Gateway, sent: bytes) -> None:
    """Also what two servers could read as two different requests."""
    answer = gateway.raw(sent)
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"application/problem+json" in answer
    assert b"nginx/" not in answer


def test_nobody_tells_which_server_it_is(gateway: Gateway) -> None:
    assert gateway.call("GET", "/nothing").headers["server"] == "nginx"


def test_a_slow_client_holds_no_service(gateway: Gateway) -> None:
    """A service hears of a request only once it is whole."""
    asked = gateway.upstreams["customers"].asked
    before = len(asked)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as slow:
        slow.sendall(b"POST /v1/customers HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabc")
        assert gateway.call("GET", "/v1/customers/other").status == 200
        assert asked[before:] == [("GET", "/v1/customers/other")]
        slow.sendall(b"d")
        assert b"200" in slow.recv(65536)
    assert asked[before + 1:] == [("POST", "/v1/customers")]


def test_what_may_not_be_repeated_is_not(gateway: Gateway) -> None:
    """A POST whose answer got lost may have been carried out: 503, and its sender decides."""
    answers: list[Answer] = []

    def lost() -> bool:
        answers.append(gateway.call("POST", "/v1/invoices/die", b"{}"))
        return answers[-1].status != 200

    until(lost)
    refused(answers[-1], 503)
    assert answers[-1].headers["retry-after"] == "1"
    asked = [one.asked.count(("POST", "/v1/invoices/die")) for one in gateway.upstreams.values()]
    assert sum(asked) == len(answers)


def test_another_replica_is_asked_for_what_may_be_repeated(gateway: Gateway) -> None:
    answers = [gateway.call("GET", "/v1/invoices/die") for _ in range(4)]
    assert {(answer.status, answer.json["by"]) for answer in answers} == {(200, "billing-2")}


def test_who_asks_too_often_is_told_to_wait(gateway: Gateway) -> None:
    """T47: guessing passwords from one address is slowed; from another one can log in meanwhile."""
    guesser = gateway.somebody()
    answers = [gateway.call("POST", "/v1/login", b"{}", guesser) for _ in range(60)]
    slowed = [answer for answer in answers if answer.status == 429]
    assert [answer.status for answer in answers[:30]] == [200] * 30
    assert slowed
    refused(slowed[0], 429)
    assert slowed[0].headers["retry-after"] == "1"
    assert gateway.call("POST", "/v1/login", b"{}", gateway.somebody()).status == 200
    assert gateway.call("GET", "/v1/customers", None, guesser).status == 200


def test_a_service_that_is_gone_is_said_so(tmp_path: Path) -> None:
    gateway = started(tmp_path / "conf")
    try:
        gateway.upstreams["customers"].shutdown()
        gateway.upstreams["customers"].server_close()
        answer = gateway.call("GET", "/v1/customers")
        refused(answer, 503)
        assert answer.headers["retry-after"] == "1"
        assert gateway.call("GET", "/v1/payments").status == 200
    finally:
        ended(gateway)


def test_tls_ends_at_the_gateway(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    gateway = started(tmp_path / "conf", tls=tmp_path)
    try:
        context = ssl.create_default_context(cafile=str(tmp_path / "tls_certificate"))
        connection = http.client.HTTPSConnection("localhost", gateway.port, timeout=20, context=context)
        connection.request("GET", "/v1/customers")
        told = json.loads(connection.getresponse().read())
        connection.close()
        assert (told["by"], told["headers"]["x-forwarded-proto"]) == ("customers", "https")
    finally:
        ended(gateway)
