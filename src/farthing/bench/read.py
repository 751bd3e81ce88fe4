"""Reads a second over HTTP: of a customer, one after another on one connection, and of an invoice that is kept."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from farthing.bench.figures import ROUNDS, Figure, Round, Skipped, WrongAnswer, figure, per_second, require
from farthing.bench.kept import kept_reads
from farthing.bench.serving import PATIENCE_SECONDS, READY, served
from farthing.bench.stores import our_store
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.service import Organizations
from farthing.kernel.credentials import Scope, operator
from farthing.kernel.schemas import parsed

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)


def read(folder: Path, rows: int) -> list[Figure | Skipped]:
    """Ours looks at the key, reads a customer from the store and writes JSON; the floor answers a constant."""
    with our_store(folder, "ours", NOW) as farthing:
        caller = operator(farthing[Organizations].first().id)
        customer = farthing[Customers].create(caller, parsed(CustomerIn, {"key": "acme", "name": "Acme"}))
        _, secret = farthing[ApiKeys].create(caller, [Scope.READ])
    request = (
        f"GET /v1/customers/{customer.id} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {secret}\r\n\r\n"
    ).encode()
    with served("ours", folder / "ours") as ours, served("bare", folder) as bare:
        rounds = [
            Round(_asked(ours, request, rows, b'"key":"acme"'), (_asked(bare, READY, rows, b'"status"'),))
            for _ in range(ROUNDS)
        ]
    kept = kept_reads(folder, rows)
    return [figure(f"read: {rows:,} times GET /v1/customers/{{id}}, one connection", "answers",
                   ("a constant from the same server",), rounds), *kept]


def _asked(port: int, request: bytes, count: int, expected: bytes) -> float:
    """Answers a second; each must be a 200 of the length of the first, which holds what is expected."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        first = _whole(connection)
        require((first.startswith(b"HTTP/1.1 200 "), expected in first), (True, True), "the first answer")

        def ask() -> None:
            for _ in range(count):
                connection.sendall(request)
                answer = _exactly(connection, len(first))
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise WrongAnswer(f"an answer began {answer[:40]!r}")

        return per_second(count, ask)


def _whole(connection: socket.socket) -> bytes:
    """One answer, as long as its Content-Length says."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    [length] = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return answer + _exactly(connection, length - len(body))


def _exactly(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        answer += _some(connection)
    return answer


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise WrongAnswer("the server hung up")
    return piece
