"""A client that asks faster than a server answers: `python -m farthing.bench.load PORT COUNT EXPECTED < requests`.

It keeps connections open, a few requests ahead on each, and reads answers by their length. It stands in a process of
its own, so that server and client each have a processor. The requests are a list that `packed` made, asked in turn.
"""

import re
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from farthing.bench.figures import WrongAnswer
from farthing.kernel.clock import ticks

CONNECTIONS: Final = 8
AHEAD: Final = 4  # requests on each connection that are not answered yet
PATIENCE_SECONDS: Final = 30
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class NoAnswer(Exception):
    """The server hung up, was silent, or said something else."""


@dataclass(slots=True)
class Line:
    """A connection, and the beginning of an answer that is not complete yet."""

    socket: socket.socket
    begun: bytes = b""


@dataclass(slots=True)
class Load:
    """Asks one server for these in turn, again and again.

    expected  in each answer's head
    ahead     requests on each connection that are not answered yet
    """

    requests: Sequence[bytes]
    expected: bytes
    connections: int = CONNECTIONS
    ahead: int = AHEAD
    asked: int = 0
    answered: int = 0
    others: int = 0  # answers without what was expected

    def run(self, port: int, count: int) -> float:
        """Answers a second; raises NoAnswer."""
        with selectors.DefaultSelector() as selector:
            lines = [self._opened(port) for _ in range(self.connections)]
            began = ticks()
            for line in lines:
                selector.register(line.socket, selectors.EVENT_READ, line)
                self._ask(line, min(self.ahead, count - self.asked))
            while self.answered < count:
                ready = selector.select(PATIENCE_SECONDS)
                if not ready:
                    raise NoAnswer(f"no answer within {PATIENCE_SECONDS} s")
                for key, _ in ready:
                    self._ask(key.data, min(self._read(key.data), count - self.asked))
            took = ticks() - began
            for line in lines:
                line.socket.close()
        return count / took

    def _opened(self, port: int) -> Line:
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Line(connection)

    def _ask(self, line: Line, count: int) -> None:
        if count > 0:
            wanted = (self.requests[number % len(self.requests)] for number in range(self.asked, self.asked + count))
            line.socket.sendall(b"".join(wanted))
            self.asked += count

    def _read(self, line: Line) -> int:
        """How many answers came to their end."""
        data = line.begun + line.socket.recv(262_144)
        if len(data) == len(line.begun):
            raise NoAnswer("the server hung up")
        start = complete = 0
        while (end := self._end(data, start)) is not None:
            start, complete = end, complete + 1
        line.begun = data[start:]
        self.answered += complete
        return complete

    def _end(self, data: bytes, start: int) -> int | None:
        """Where the answer that begins at `start` ends; None when it is not all there."""
        head = data.find(b"\r\n\r\n", start)
        if head < 0:
            return None
        if not data.startswith(b"HTTP/1.1 200 ", start):
            raise NoAnswer(f"an answer began {data[start : start + 40]!r}")
        found = LENGTH.search(data, start, head + 2)
        if found is None:
            raise NoAnswer("an answer has no length")
        end = head + 4 + int(found[1])
        if end > len(data):
            return None
        self.others += data.find(self.expected, start, head) < 0
        return end


def packed(requests: Sequence[bytes]) -> bytes:
    """What is handed over the standard input."""
    return b"".join([len(one).to_bytes(8) + one for one in requests])


def unpacked(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + 8 + int.from_bytes(data[start : start + 8])
        yield data[start + 8 : end]
        start = end


def load(
    port: int, requests: Sequence[bytes], count: int, expected: str, connections: int = CONNECTIONS, ahead: int = AHEAD
) -> tuple[float, int]:
    """Answers a second from a process of its own, and how many were without what is expected; raises WrongAnswer."""
    numbers = [str(each) for each in (port, count, connections, ahead)]
    command = [sys.executable, "-m", "farthing.bench.load", *numbers, expected]
    done = subprocess.run(command, input=packed(requests), capture_output=True, check=False)
    if done.returncode != 0:
        raise WrongAnswer(done.stderr.decode().strip().rpartition("\n")[2])
    speed, others = done.stdout.split()
    return float(speed), int(others)


def main(port: int, count: int, connections: int, ahead: int, expected: str) -> None:
    """Print answers a second, and how many of them were without what was expected."""
    asking = Load(list(unpacked(sys.stdin.buffer.read())), expected.encode(), connections, ahead)
    sys.stdout.write(f"{asking.run(port, count)} {asking.others}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
