"""Test clocks over HTTP."""

from farthing.billing.test_clock.schemas import AdvanceIn, TestClockOut
from farthing.billing.test_clock.service import TestClocks
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Answer, Routes, provided

routes = Routes("test-clock")


@routes.get("/v1/test-clock", scope=Scope.READ, answer=TestClockOut)
def get_test_clock(caller: Caller) -> TestClockOut:
    """Where the clock of a sandbox stands, and how far its advance has come."""
    return TestClockOut.of(provided(TestClocks).get(caller.organization))


@routes.post("/v1/test-clock/advance", scope=Scope.WRITE, body=AdvanceIn, answer=TestClockOut, status=202)
def advance_test_clock(caller: Caller, body: AdvanceIn) -> Answer:
    """Begin to move the clock of a sandbox forward; whatever falls due on the way happens in order of time."""
    reached = provided(TestClocks).advance(caller, body.to)
    return Answer(TestClockOut.of(reached), 202, (("Location", "/v1/test-clock"),))
