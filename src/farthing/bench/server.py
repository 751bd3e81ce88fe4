"""A server to measure: `python -m farthing.bench.server ours|unstored|bare|flask PORT`, all served alike."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response

from farthing.app import wsgi
from farthing.hot import Application
from farthing.kernel.processes import end_with_parent, settle_memory
from farthing.usage.events.appending import Outcome
from farthing.usage.events.intake import Intake
from farthing.usage.events.prepared import Prepared
from farthing.usage.events.values import KeptRejection

THREADS: Final = 4  # unless the variable THREADS_NAME says another number
THREADS_NAME: Final = "BENCH_THREADS"
TARGETS: Final = {
    "ours": "farthing.app:wsgi", "unstored": "farthing.bench.server:new_unstored",
    "bare": "farthing.bench.server:new_bare", "flask": "farthing.bench.server:new_flask",
}
BODY: Final = b'{"status":"ok"}'
BODY_FILE: Final = "BENCH_BODY"  # the variable that names a file with another body


def body() -> bytes:
    """What the floors answer."""
    place = os.environ.get(BODY_FILE)
    return Path(place).read_bytes() if place else BODY


def new_bare() -> Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]:  # Any: as WSGI has it
    """The least that answers."""
    constant = body()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(constant)))]

    def bare(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:  # Any: likewise
        start_response("200 OK", headers)
        return [constant]

    return bare


def new_unstored() -> Application:
    """Ours, whose events are all new and go nowhere."""
    def nowhere(self: Intake, batch: Prepared, rejections: Sequence[KeptRejection] = ()) -> Outcome:
        return Outcome(new=list(range(len(batch.rows))))

    Intake.store = nowhere  # type: ignore[method-assign]  # in this process, which does nothing else
    return wsgi()


def new_flask() -> Flask:
    """The least that answers in Flask."""
    constant = body()
    app = Flask("floor", static_folder=None)

    @app.get("/healthz")
    @app.get("/v1/invoices/<reference>")
    def read(reference: str = "") -> Response:
        return Response(constant, content_type="application/json")

    settle_memory()
    return app


def main(target: str, port: int) -> None:
    """Serve until told to stop, or until whoever started this is gone."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    end_with_parent()
    Granian(
        TARGETS[target], factory=True, address="127.0.0.1", port=port, interface=Interfaces.WSGI, workers=1,
        blocking_threads=int(os.environ.get(THREADS_NAME, THREADS)), log_level=LogLevels.error, websockets=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
