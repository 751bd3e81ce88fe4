"""Quantities over HTTP."""

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Routes, provided
from farthing.usage.quantities.schemas import UsageOut, UsageQuery, WindowOut
from farthing.usage.quantities.service import Quantities, Question

routes = Routes("usage")


@routes.get("/v1/usage", scope=Scope.READ, query=UsageQuery, answer=UsageOut)
def get_usage(caller: Caller, query: UsageQuery) -> UsageOut:
    """The quantities of a meter, including every event acknowledged before the call."""
    group_by = tuple(query.group_by.split(",")) if query.group_by else ()
    question = Question(query.customer, query.meter, query.start, query.end, query.window, group_by)
    cells = provided(Quantities).usage(caller, question)
    return UsageOut(data=[WindowOut.of(cell, group_by) for cell in cells])
