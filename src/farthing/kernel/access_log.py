"""The line of each request that is answered in front of Flask, at a fraction of what the general way costs."""

import sys
import threading
from collections import deque
from json.encoder import encode_basestring_ascii
from multiprocessing.util import Finalize
from typing import Final, NamedTuple

import structlog

from farthing.kernel.clock import stamp_of
from farthing.kernel.processes import repeat

HELD_SECONDS: Final = 0.05
MOST_HELD: Final = 2_000  # lines; whoever adds more writes them himself, so that a full pipe is felt
AT_ONCE: Final = 4_096  # bytes that a pipe takes in one piece, whoever else writes to it


class Answered(NamedTuple):
    """A request, as the log tells it. Only the request id is anybody's own text.

    at       when it was answered, in nanoseconds since 1970
    seconds  that it took
    """

    at: int
    method: str
    route: str
    status: int
    seconds: float
    request_id: str
    trace: str
    organization: str


class AccessLog:
    """Writes at once until it `holds`: from then on every 50 ms, so that no request waits for its line.

    A process that is killed takes the lines of its last moment with it.
    """

    def __init__(self, level: str, form: str) -> None:
        self._heard = level in ("debug", "info")
        self._plain = form == "json"
        self._waiting: deque[Answered] = deque()
        self._writing = threading.Lock()
        self._most = 1

    def __call__(self, one: Answered) -> None:
        if self._heard:
            self._waiting.append(one)
            if len(self._waiting) >= self._most:
                self.write()

    def hold(self) -> None:
        """Begin to write beside the requests; in the process that serves, never in one that will fork."""
        if self._heard and self._plain:
            self._most = MOST_HELD
            Finalize(None, self.write, exitpriority=1)  # a worker of a server never comes to `atexit`
            repeat(self.write, HELD_SECONDS, "farthing-access-log")

    def write(self) -> None:
        """Write what is waiting."""
        with self._writing:
            told = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if self._plain:
                _write([_line(one) for one in told])
            else:
                for one in told:
                    _tell(one)


def _write(lines: list[str]) -> None:
    """Many at once, and each as a whole."""
    pieces: list[str] = []
    size = 0
    for line in lines:
        if pieces and size + len(line) > AT_ONCE:
            sys.stderr.write("".join(pieces))
            pieces, size = [], 0
        pieces.append(line)
        size += len(line)
    sys.stderr.write("".join(pieces))


def _line(one: Answered) -> str:
    return (
        f'{{"method": "{one.method}", "route": "{one.route}", "status": {one.status}, "ms": {one.seconds * 1000:.2f}, '
        f'"request_id": {encode_basestring_ascii(one.request_id)}, "trace": "{one.trace}", '
        f'"organization": "{one.organization}", "event": "request", "level": "info", '
        f'"timestamp": "{stamp_of(one.at)}"}}\n'
    )


def _tell(one: Answered) -> None:
    structlog.get_logger("farthing").info(
        "request", method=one.method, route=one.route, status=one.status, ms=round(one.seconds * 1000, 2),
        request_id=one.request_id, trace=one.trace, organization=one.organization,
    )
