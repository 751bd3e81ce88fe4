"""Answering other services: a room's protocols over HTTP, for whoever has a token with the scope."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import getmembers, isfunction
from typing import Any, Final

from flask import Flask, Response, g, request

from farthing.kernel.audit.acting import Actor, acting_as
from farthing.kernel.credentials import Authenticate, Caller
from farthing.kernel.crossing import Method, packed, shape_of
from farthing.kernel.problems import Forbidden, Unavailable
from farthing.kernel.remote import CALLER
from farthing.kernel.web import bearer_token

MOST_BYTES: Final = 64 * 1024 * 1024
Admit = Callable[[str, str], str]  # a service's token and the scope it needs, to its name; raises Unauthenticated


@dataclass(frozen=True, slots=True)
class Offer:
    """A protocol of a room, whoever keeps it here, and the scope that asking needs."""

    room: str
    scope: str
    protocol: type
    kept_by: object

    @property
    def calls(self) -> list[Method]:
        return [method for name, method in getmembers(self.protocol, isfunction) if not name.startswith("_")]


class AnothersOrganization(Forbidden):
    """A service asks about one organisation on behalf of another's caller."""

    def __init__(self) -> None:
        super().__init__("The caller's token belongs to another organisation.")


def answer(app: Flask, offers: Sequence[Offer], admit: Admit, authenticate: Authenticate) -> None:
    """Serve these protocols under `/internal/`, which is for other services alone."""
    for offer in offers:
        for method in offer.calls:
            path = f"/internal/{offer.room}/{method.__name__}"
            view = partial(_answered, offer, method, admit, authenticate)
            app.add_url_rule(path, path, view, methods=["POST"])


def _answered(offer: Offer, method: Method, admit: Admit, authenticate: Authenticate) -> Response:
    request.max_content_length = MOST_BYTES
    g.service = admit(bearer_token(), offer.scope)
    shape = shape_of(method)
    arguments = shape.arguments(request.get_data())
    if token := request.headers.get(CALLER):
        _check_caller(token, arguments, authenticate)
    with acting_as(_actor(f"{offer.room} {method.__name__}")):
        result: Any = getattr(offer.kept_by, method.__name__)(**arguments)  # Any: as the protocol says
    return Response(packed(result), content_type="application/json")


def _actor(call: str) -> Actor:
    """The caller for whom a service asks; else the service itself."""
    caller: Caller | None = g.get("caller")
    return Actor("service", g.service, call) if caller is None else Actor(caller.kind, caller.id, call)


def _check_caller(token: str, arguments: dict[str, Any], authenticate: Authenticate) -> None:  # Any: a call's own
    """The caller that a service asks for is one, and asks about its own organisation (I12)."""
    try:
        g.caller = authenticate(token)
    except Unavailable:  # identity is away, and the key was never seen here: the service's own token decides
        return
    g.bearer = token
    organization = arguments.get("organization", arguments.get("organization_id", g.caller.organization))
    if organization != g.caller.organization:
        raise AnothersOrganization
