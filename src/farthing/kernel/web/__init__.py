"""HTTP: a room's routes are plain functions with a declared body, query, answer and scope. What they need is here."""

from farthing.kernel.web.answers import Answer, ListShown, created, kept, rendered, shown
from farthing.kernel.web.endpoints import ANY_SCOPE, Endpoint, Routes
from farthing.kernel.web.requests import (
    RAISED,
    UNCONDITIONAL,
    Precondition,
    accepted,
    bearer,
    bearer_token,
    body_bytes,
    json_body,
    precondition,
    raise_again,
)
from farthing.kernel.web.serving import provided, register

__all__ = [
    "ANY_SCOPE", "RAISED", "UNCONDITIONAL", "Answer", "Endpoint", "ListShown", "Precondition", "Routes", "accepted",
    "bearer", "bearer_token", "body_bytes", "created", "json_body", "kept", "precondition", "provided", "raise_again",
    "register", "rendered", "shown",
]
