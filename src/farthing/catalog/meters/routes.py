"""Meters over HTTP."""

from farthing.catalog.meters.schemas import MeterIn, MeterOut
from farthing.catalog.meters.service import Meters
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("meters")


@routes.post("/v1/meters", scope=Scope.WRITE, body=MeterIn, answer=MeterOut, status=201)
def create_meter(caller: Caller, body: MeterIn) -> Answer:
    """Add a meter; it counts the events of its type from the very first."""
    meter = provided(Meters).create(caller, body)
    return created(MeterOut.of(meter), f"/v1/meters/{meter.id}")


@routes.get("/v1/meters", scope=Scope.READ, query=ListQuery, answer=MeterOut, paged=True)
def list_meters(caller: Caller, query: ListQuery) -> ListShown:
    """The meters, oldest first."""
    place = listing("meters", caller.organization, query.limit, query.after)
    return shown(provided(Meters).page(caller, place), MeterOut.of)


@routes.get("/v1/meters/<reference>", scope=Scope.READ, answer=MeterOut)
def get_meter(caller: Caller, reference: str) -> MeterOut:
    """One meter, by id or key."""
    return MeterOut.of(provided(Meters).get(caller.organization, reference))


@routes.patch("/v1/meters/<reference>", scope=Scope.WRITE, answer=MeterOut)
def update_meter(caller: Caller, reference: str, patch: object) -> MeterOut:
    """Rename a meter by JSON merge patch; what it counts is fixed."""
    return MeterOut.of(provided(Meters).update(caller, reference, patch, precondition()))


@routes.delete("/v1/meters/<reference>", scope=Scope.WRITE)
def delete_meter(caller: Caller, reference: str) -> None:
    """Remove a meter that no plan version prices."""
    provided(Meters).delete(caller, reference, precondition())
