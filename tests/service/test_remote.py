"""Asking a service over HTTP, against servers that behave badly on purpose."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from farthing.kernel.breaker import Breaker
from farthing.kernel.problems import Conflict
from farthing.kernel.remote import Remote, RoomAway, Wire
from farthing.usage import Metering, Subjects
from tests.service.apart import Quiet


@dataclass
class Stamped:
    """A passport that gives a new number each time the last one was refused."""

    number: int = 1
    refusals: list[str] = field(default_factory=list)

    def token(self) -> str:
        return f"t{self.number}"

    def refused(self, token: str) -> None:
        self.refusals.append(token)
        self.number += 1


@contextmanager
def serving(answer: Callable[[Request], Response]) -> Iterator[str]:
    """An address at which this answers."""
    server = make_server("127.0.0.1", 0, Request.application(answer), threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def remote(at: str, seconds: float = 3.0, breaker: Breaker | None = None) -> Remote:
    return Remote(Wire("usage", at, breaker=breaker or Breaker()), Stamped(), seconds)


def test_what_broke_is_tried_again_where_that_is_safe() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return Response("7") if len(asked) == 3 else Response("", 503)

    with serving(answer) as at:
        assert remote(at).ask(Metering.position, "org_1") == 7
    assert asked == ["/internal/usage/position"] * 3


def test_what_must_not_happen_twice_is_sent_once() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return Response("", 502)

    with serving(answer) as at, pytest.raises(RoomAway):
        remote(at).tell(Subjects.release, "org_1", ["a"], "cus_1")
    assert asked == ["/internal/usage/release"]


def test_what_takes_too_long_is_not_waited_for_again() -> None:
    asked: list[str] = []
    over = threading.Event()

    def answer(request: Request) -> Response:
        asked.append(request.path)
        over.wait(10)
        return Response("7")

    with serving(answer) as at:
        with pytest.raises(RoomAway):
            remote(at, seconds=0.05).ask(Metering.position, "org_1")
        over.set()
    assert len(asked) == 1


def test_an_open_breaker_asks_nobody() -> None:
    breaker = Breaker(failures=1, now=lambda: 0.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # held, so that nobody else listens there, and refusing while it does not listen
        at = f"http://127.0.0.1:{closed.getsockname()[1]}"
        for _ in range(2):
            with pytest.raises(RoomAway) as refused:
                remote(at, breaker=breaker).ask(Metering.position, "org_1")
            assert refused.value.retry_after
    assert not breaker.admits()


def test_a_refused_token_is_replaced_once() -> None:
    shown: list[str] = []

    def answer(request: Request) -> Response:
        shown.append(request.headers["Authorization"])
        return Response("7") if shown[-1] == "Bearer t2" else Response("", 401)

    with serving(answer) as at:
        asked = remote(at)
        assert asked.ask(Metering.position, "org_1") == 7
        assert shown == ["Bearer t1", "Bearer t2"]


def test_a_service_that_is_not_trusted_cannot_tell_why() -> None:
    """Our own lack of rights is no fault of the caller's: 503, not 403."""
    with serving(lambda request: Response('{"type": "urn:farthing:problem:forbidden", "detail": "x"}', 403)) as at:
        with pytest.raises(RoomAway):
            remote(at).ask(Metering.position, "org_1")


def test_refusals_come_back_as_what_they_were() -> None:
    body = (
        '{"type": "urn:farthing:problem:key-reused", "detail": "told",'
        '"errors": [{"index": 3, "field": "a", "message": "b"}]}'
    )
    with serving(lambda request: Response(body, 422)) as at, pytest.raises(Exception, match="told") as refused:
        remote(at).ask(Metering.position, "org_1")
    assert type(refused.value).__name__ == "KeyReused"
    unknown = '{"type": "urn:farthing:problem:of-a-newer-version", "detail": "told"}'
    with serving(lambda request: Response(unknown, 409)) as at, pytest.raises(Conflict):
        remote(at).ask(Metering.position, "org_1")


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", "<html>"])
def test_nonsense_is_no_answer(body: str) -> None:
    with serving(lambda request: Response(body, 500)) as at, pytest.raises(RoomAway):
        remote(at).ask(Metering.position, "org_1")
    with serving(lambda request: Response(body, 200)) as at, pytest.raises(RoomAway):
        remote(at).ask(Metering.position, "org_1")


class Sevens(BaseHTTPRequestHandler):
    """Answers 7, keeps connections open, and notes whose they are."""

    protocol_version = "HTTP/1.1"
    ports: ClassVar[set[int]] = set()

    def do_POST(self) -> None:
        self.ports.add(self.client_address[1])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"7")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_connections_are_used_again() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sevens) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        asked = remote(f"http://127.0.0.1:{server.server_port}")
        for _ in range(20):
            assert asked.ask(Metering.position, "org_1") == 7
        asked.wire.pool.clear()
        server.shutdown()
    assert len(Sevens.ports) == 1
