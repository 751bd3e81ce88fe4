"""What is acknowledged is on the disk: the system calls of a real server, counted between a request and its answer."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.program import Program

SYNCED = re.compile(r"\bf(?:data)?sync\(\d+\)\s+= 0|<\.\.\. f(?:data)?sync resumed>\)\s+= 0")
EVENTS = 60
SENDERS = 16


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    if shutil.which("strace") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is missing (Debian: apt-get install strace)")
        pytest.skip("strace is not installed, and nothing else counts system calls")
    started = Program(tmp_path / "home")
    started.start()
    yield started
    started.stop()


@contextmanager
def watched(program: Program) -> Iterator[Path]:
    """Where the calls of the server and its worker are written that wait for the disk."""
    assert program.server is not None
    processes = _family(program.server.pid)
    told = program.home.parent / "syncs"
    targets = [option for pid in processes for option in ("-p", str(pid))]
    command = ["strace", "-f", "-q", "-e", "trace=fsync,fdatasync", "-o", str(told), *targets]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: all(_is_traced(pid) for pid in processes))
        yield told
    finally:
        tracer.terminate()
        tracer.wait()


def test_each_answer_comes_after_the_disk_and_many_share_one(program: Program) -> None:
    """One request after another waits for the disk each time; many at once wait together."""
    with watched(program) as told:
        for number in range(EVENTS):
            assert program.call("POST", "/v1/events", event(f"one-{number}"))[0] == 200
        _until(lambda: synced(told) >= EVENTS)
        alone = synced(told)

        def send(sender: int) -> list[int]:
            return [program.call("POST", "/v1/events", event(f"{sender}-{one}"))[0] for one in range(EVENTS // 2)]

        with ThreadPoolExecutor(SENDERS) as threads:
            answers = [status for some in threads.map(send, range(SENDERS)) for status in some]
        together = synced(told) - alone
    assert answers == [200] * (SENDERS * EVENTS // 2)
    assert 0 < together < len(answers), together


def event(id: str) -> dict[str, Any]:
    return {"id": id, "type": "t", "subject": "acme", "data": {"v": 1}}


def synced(told: Path) -> int:
    return len(SYNCED.findall(told.read_text()))


def _family(pid: int) -> list[int]:
    """A process and all that it began."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def _until(ready: Any) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)
