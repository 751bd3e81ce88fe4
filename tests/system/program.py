"""The real program: commands in a home of their own, and a server on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ports import free_port

PROGRAM = os.environ.get("FARTHING_PROGRAM") or str(Path(sys.executable).parent / "farthing")


@dataclass
class Program:
    """`farthing` in one home; `url` chooses another database than the home's own."""

    home: Path
    url: str = ""
    server: "subprocess.Popen[bytes] | None" = None
    port: int = 0
    secret: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, status: int = 0, text: str | None = None) -> str:
        """What a command prints; anything but the expected exit status fails with its error."""
        done = subprocess.run(
            [PROGRAM, *arguments], env=self._environment(), capture_output=True, text=True, input=text, check=False,
            cwd=self.home.parent, timeout=300,
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command answers in JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def start(self, wait: bool = True) -> None:
        """Serve on a free port, with a key of an administrator."""
        if not self.secret:
            self.secret = self.json("keys", "create", "--scopes", "admin")["secret"]
        self.port = self.port or free_port()
        log = (self.home.parent / "server.log").open("ab")
        self.server = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(self.port)], env=self._environment(), stdout=log, stderr=log,
            start_new_session=True,
        )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (OSError, urllib.error.URLError):
                pass
            assert time.monotonic() < deadline, (self.home.parent / "server.log").read_text()[-3000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9` of the server, which takes its worker with it."""
        assert self.server is not None
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait()
        wait_until_free(self.port)

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of one request; raises OSError when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.secret}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.call("POST", path, body)
        assert status in (200, 201, 202), answer
        return answer

    def every(self, path: str) -> list[Any]:
        """All rows of a list."""
        rows: list[Any] = []
        after = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=200{after}")
            rows += page["data"]
            if page["next"] is None:
                return rows
            after = f"&after={page['next']}"

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FARTHING_")}
        return clean | {"FARTHING_HOME": str(self.home), "FARTHING_DATABASE_URL": self.url} | self.environment


def wait_until_free(port: int, seconds: float = 10) -> None:
    """Until nobody listens on the port any more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"port {port} is still served")
