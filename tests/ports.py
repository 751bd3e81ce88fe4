"""Ports for the servers that tests start.

They lie below the range from which the system gives ports to anybody who asks for one (from 32768 on Linux), so that
between choosing a port and listening on it nobody else comes to it by chance; processes of one run have ranges of
their own, and none is given out twice in a row."""

import itertools
import os
import socket

FIRST, LAST = 12_000, 32_000
SHARES = 8  # processes of one run, at most

_share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % SHARES
_width = (LAST - FIRST) // SHARES
_candidates = itertools.cycle(range(FIRST + _share * _width, FIRST + (_share + 1) * _width))
_skipped = list(itertools.islice(_candidates, os.getpid() * 97 % _width))  # two runs on one machine start apart


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    for port in _candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: the candidates go round")
