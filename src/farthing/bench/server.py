"""A server to measure: `python -m farthing.bench.server ours|bare PORT`, both served alike."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

from farthing.kernel.processes import end_with_parent

THREADS: Final = 4
TARGETS: Final = {"ours": "farthing.app:wsgi", "bare": "farthing.bench.server:new_bare"}
BODY: Final = b'{"status":"ok"}'


def new_bare() -> Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]:  # Any: as WSGI has it
    """The least that answers."""

    def bare(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:  # Any: likewise
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
        return [BODY]

    return bare


def main(target: str, port: int) -> None:
    """Serve until told to stop, or until whoever started this is gone."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    end_with_parent()
    Granian(
        TARGETS[target], factory=True, address="127.0.0.1", port=port, interface=Interfaces.WSGI, workers=1,
        blocking_threads=THREADS, log_level=LogLevels.error, websockets=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
