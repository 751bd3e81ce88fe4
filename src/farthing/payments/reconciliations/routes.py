"""Reconciliations over HTTP."""

from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, provided, shown
from farthing.payments.reconciliations.schemas import ReconciliationIn, ReconciliationOut
from farthing.payments.reconciliations.service import Reconciliations

routes = Routes("reconciliations")


@routes.post(
    "/v1/reconciliations", scope=Scope.WRITE, body=ReconciliationIn, answer=ReconciliationOut, status=201
)
def create_reconciliation(caller: Caller, body: ReconciliationIn) -> Answer:
    """Propose what transfers pay, with `auto` apply what is certain, or apply what somebody chose."""
    one = provided(Reconciliations).create(caller, body)
    return created(ReconciliationOut.of(one), f"/v1/reconciliations/{one.id}")


@routes.get("/v1/reconciliations", scope=Scope.READ, query=ListQuery, answer=ReconciliationOut, paged=True)
def list_reconciliations(caller: Caller, query: ListQuery) -> ListShown:
    """The reconciliations, oldest first, without their proposals."""
    place = listing("reconciliations", caller.organization, query.limit, query.after)
    return shown(provided(Reconciliations).page(caller.organization, place), ReconciliationOut.in_list)


@routes.get("/v1/reconciliations/<reconciliation>", scope=Scope.READ, answer=ReconciliationOut)
def get_reconciliation(caller: Caller, reconciliation: str) -> ReconciliationOut:
    """One reconciliation with its proposals."""
    return ReconciliationOut.of(provided(Reconciliations).get(caller.organization, reconciliation))


@routes.post("/v1/reconciliations/<reconciliation>/undo", scope=Scope.WRITE, answer=ReconciliationOut)
def undo_reconciliation(caller: Caller, reconciliation: str) -> ReconciliationOut:
    """Take back all that it applied: payments, balances and the journal, by entries that reverse."""
    return ReconciliationOut.of(provided(Reconciliations).undo(caller, reconciliation))
