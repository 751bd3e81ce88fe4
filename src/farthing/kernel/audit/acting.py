"""Who is at work in this context: whoever makes the call, or a service by itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and by which call.

    kind  "user", "key", "operator" at the command line, or "service" for work that nobody asked for just now
    id    usr_..., key_..., the name of a service; "" for the operator
    call  method and path, the command, or the name of the work
    """

    kind: str
    id: str
    call: str


_actor: ContextVar[Actor | None] = ContextVar("farthing_actor", default=None)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """What is written inside is written by this one."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor:
    """Whoever acts; a service's own work by the name of its thread."""
    return _actor.get() or Actor("service", "", threading.current_thread().name)
