"""All rooms as services of their own in this process: real sockets between them, one clock for all."""

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import Client

from farthing.app import Farthing, open_farthing, web_application
from farthing.calls import room_of
from farthing.kernel.clock import Clock
from farthing.kernel.settings import ROOMS, load_settings

S = TypeVar("S")
ASKS = {  # which others each room asks
    "identity": (),
    "customers": ("identity", "usage", "billing"),
    "catalog": ("identity", "billing"),
    "usage": ("identity", "customers", "catalog"),
    "billing": ("identity", "customers", "usage"),
    "payments": ("identity", "customers"),
}
BOOKS = ("catalog", "billing", "payments")  # which share a database


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


@dataclass
class Services:
    """Six services, each with a store of its own but the books, which share one."""

    farthings: dict[str, Farthing] = field(default_factory=dict)
    apps: dict[str, Flask] = field(default_factory=dict)
    servers: dict[str, BaseWSGIServer] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, kind: type[S]) -> S:
        """The service of this class, from whichever room keeps it."""
        return self.farthings[kind.__module__.split(".")[1]][kind]

    @property
    def settings(self) -> Any:
        return self.farthings["identity"].settings

    @property
    def database(self) -> Any:
        """The books'."""
        return self.farthings["billing"].database

    def test_client(self) -> Client:
        return Client(self)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """To whichever room serves the path, as a gateway would."""
        return self.apps[room_of(environ["PATH_INFO"])](environ, start_response)

    def stop(self, room: str) -> None:
        """Nobody answers at its address any more."""
        self.servers[room].shutdown()
        self.servers[room].server_close()

    def serve(self, room: str) -> None:
        """Answer at its address, the same as before if it had one."""
        port = int(self.addresses[room].rpartition(":")[2]) if room in self.addresses else 0
        server = make_server(
            "127.0.0.1", port, lambda *call: self.apps[room](*call), threaded=True, request_handler=Quiet
        )
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.servers[room] = server
        self.addresses[room] = f"http://127.0.0.1:{server.server_port}"

    def close(self) -> None:
        for room in self.servers:
            self.stop(room)
        for farthing in self.farthings.values():
            farthing.close()


def open_services(folder: Path, clock: Clock) -> Services:
    """All six, ready to be called."""
    services = Services()
    known = folder / "service-secrets"
    known.mkdir(parents=True)
    for room in ROOMS[1:]:
        (known / room).write_text(secrets.token_urlsafe(32))
    for room in ROOMS:
        services.serve(room)
    for room in ROOMS:
        home = folder / ("books" if room in BOOKS else room)
        settings = load_settings({}, **{
            "home": str(home), "only": room, "log_level": "error", "service_secrets": str(known),
            "service_secret": None if room == "identity" else (known / room).read_text(),
            **{f"{other}_at": services.addresses[other] for other in ASKS[room]},
        })
        services.farthings[room] = open_farthing(settings, clock)
        services.apps[room] = web_application(services.farthings[room])
    return services
