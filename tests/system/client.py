"""A caller over a socket: status, headers and body of each answer."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # Any: JSON
        return json.loads(self.body)


@dataclass(frozen=True)
class Caller:
    """Asks one address, with a token, from an address of its own where a test needs one."""

    url: str
    token: str = ""
    source: str = ""

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request over a connection of its own; raises OSError when nobody answers."""
        place = urlsplit(self.url)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=30, source_address=(self.source, 0) if self.source else None,
        )
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def announced(self, path: str, length: int) -> int:
        """The status of a POST that only says how long its body is: who refuses it need not read it."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def made(self, path: str, body: object) -> Any:  # Any: JSON
        """What a POST made; anything but success fails with the answer."""
        answer = self.post(path, body)
        assert answer.status in (200, 201, 202), (path, answer.status, answer.body)
        return answer.json

    def found(self, path: str) -> Any:  # Any: JSON
        """What a GET finds."""
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json

    def at(self, url: str) -> "Caller":
        """The same caller, asking somebody else."""
        return replace(self, url=url)

    def with_token(self, token: str) -> "Caller":
        return replace(self, token=token)

    def coming_from(self, source: str) -> "Caller":
        return replace(self, source=source)


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not come about in {seconds} seconds"
        time.sleep(0.02)
