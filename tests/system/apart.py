"""The rooms as services of their own: processes that know each other by address and trust each other by tokens."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_port
from tests.system.program import Program

ROOMS = ("identity", "customers", "catalog", "usage", "billing", "payments")
ASKS: Mapping[str, tuple[str, ...]] = {  # which others each room asks
    "identity": (),
    "customers": ("identity", "usage", "billing"),
    "catalog": ("identity",),
    "usage": ("identity", "customers", "catalog"),
    "billing": ("identity", "customers", "usage"),
    "payments": ("identity", "customers"),
}
BOOKS = ("catalog", "billing", "payments")  # which share a database


@dataclass
class Apart:
    """All rooms as processes on free ports, each with a home of its own; `call` finds the right one by the path."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    services: dict[str, Program] = field(default_factory=dict)

    def start(self) -> None:
        ports = {room: free_port() for room in ROOMS}
        folder = self.folder / "service-secrets"
        folder.mkdir()
        for room in ROOMS[1:]:
            (folder / room).write_text(secrets.token_urlsafe(32))
        for room in ROOMS:
            program = self.services[room] = Program(self._home(room), port=ports[room])
            program.environment |= {"FARTHING_ONLY": room, "FARTHING_SERVICE_SECRETS": str(folder), **self.environment}
            if room != "identity":
                program.environment["FARTHING_SERVICE_SECRET_FILE"] = str(folder / room)
            for other in ASKS[room]:
                program.environment[f"FARTHING_{other.upper()}_AT"] = f"http://127.0.0.1:{ports[other]}"
        identity = self.services["identity"]
        identity.secret = str(identity.json("keys", "create", "--scopes", "admin")["secret"])
        for program in self.services.values():
            program.secret = identity.secret
            program.start(wait=False)
        for program in self.services.values():
            program.wait_until_ready()

    def _home(self, room: str) -> Path:
        home = self.folder / ("books" if room in BOOKS else room) / "home"
        home.mkdir(parents=True, exist_ok=True)
        return home

    def stop(self) -> None:
        for program in self.services.values():
            program.stop()
