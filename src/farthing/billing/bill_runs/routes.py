"""Bill runs over HTTP."""

from farthing.billing.bill_runs.schemas import BillRunIn, BillRunOut
from farthing.billing.bill_runs.service import BillRuns
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, provided, shown

routes = Routes("bill-runs")


@routes.post("/v1/bill-runs", scope=Scope.WRITE, body=BillRunIn, answer=BillRunOut, status=202)
def create_bill_run(caller: Caller, body: BillRunIn) -> Answer:
    """Begin to make every invoice that is due by `as_of`; what is billed already is not billed again."""
    run = provided(BillRuns).begin(caller, body)
    return Answer(BillRunOut.of(run), 202, (("Location", f"/v1/bill-runs/{run.id}"),))


@routes.get("/v1/bill-runs", scope=Scope.READ, query=ListQuery, answer=BillRunOut, paged=True)
def list_bill_runs(caller: Caller, query: ListQuery) -> ListShown:
    """The bill runs, oldest first."""
    place = listing("bill-runs", caller.organization, query.limit, query.after)
    return shown(provided(BillRuns).page(caller, place), BillRunOut.of)


@routes.get("/v1/bill-runs/<run>", scope=Scope.READ, answer=BillRunOut)
def get_bill_run(caller: Caller, run: str) -> BillRunOut:
    """One bill run and how far it has come."""
    return BillRunOut.of(provided(BillRuns).get(caller.organization, run))
