"""Events over HTTP."""

from flask import request

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import Page, listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.strict_json import dumps
from farthing.kernel.web import Answer, Routes, provided, raise_again, rendered
from farthing.usage.events.bodies import JSON, MOST_BYTES, batch_from
from farthing.usage.events.schemas import (
    BODIES,
    EventOut,
    EventQuery,
    IngestedOut,
    IngestQuery,
    RejectedOut,
    VoidedOut,
    VoidIn,
    event_shown,
    rejection_shown,
)
from farthing.usage.events.service import Asked, Events

routes = Routes("events")


@routes.post(
    "/v1/events", scope=Scope.INGEST, query=IngestQuery, answer=IngestedOut, raw=BODIES, most_bytes=MOST_BYTES
)
def ingest_events(caller: Caller, query: IngestQuery) -> IngestedOut:
    """Take events in: CloudEvents 1.0, each counted once however often it is sent."""
    raise_again()
    headers = {name.lower(): value for name, value in request.headers.items()}
    batch = batch_from(request.mimetype, headers.get("content-encoding", ""), headers, request.get_data())
    return IngestedOut.of(provided(Events).ingest(caller, batch, query.on_error == "skip"))


def taken(events: Events, caller: Caller, body: bytes) -> bytes:
    """What is answered to a body of plain JSON once its events are stored; raises as the call above does."""
    return rendered(IngestedOut.of(events.ingest(caller, batch_from(JSON, "", {}, body), False)))


@routes.post("/v1/events/void", scope=Scope.WRITE, body=VoidIn, answer=VoidedOut)
def void_event(caller: Caller, body: VoidIn) -> VoidedOut:
    """Take an event out of every aggregate, once."""
    return VoidedOut.model_validate(provided(Events).void(caller, body.source, body.id), from_attributes=True)


@routes.get("/v1/events", scope=Scope.READ, query=EventQuery, answer=EventOut, paged=True)
def list_events(caller: Caller, query: EventQuery) -> Answer:
    """The events in the order they were stored."""
    place = listing("events", caller.organization, query.limit, query.after)
    asked = Asked(query.customer, query.type, query.start, query.end, query.unusable)
    return _exact(provided(Events).page(caller, asked, place).map(event_shown))


@routes.get("/v1/events/rejected", scope=Scope.READ, query=ListQuery, answer=RejectedOut, paged=True)
def list_rejected_events(caller: Caller, query: ListQuery) -> Answer:
    """The events that were left out of their batch, with the reasons."""
    place = listing("events/rejected", caller.organization, query.limit, query.after)
    return _exact(provided(Events).rejected(caller, place).map(rejection_shown))


def _exact(page: Page[dict[str, object]]) -> Answer:
    """A list whose numbers come out as they were sent, which no model does."""
    body = dumps({"data": list(page.data), "next": page.next})
    return Answer(body, headers=(("Content-Type", "application/json"),))
