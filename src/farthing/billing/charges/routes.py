"""One-off charges over HTTP."""

from farthing.billing.charges.schemas import ChargeIn, ChargeOut, ChargeQuery
from farthing.billing.charges.service import Charges
from farthing.billing.charges.values import Charge
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("charges")


@routes.post("/v1/charges", scope=Scope.WRITE, body=ChargeIn, answer=ChargeOut, status=201)
def create_charge(caller: Caller, body: ChargeIn) -> Answer:
    """Put a line on the customer's next invoice."""
    charge = provided(Charges).create(caller, body)
    return created(_shown(caller, charge), f"/v1/charges/{charge.id}")


@routes.get("/v1/charges", scope=Scope.READ, query=ChargeQuery, answer=ChargeOut, paged=True)
def list_charges(caller: Caller, query: ChargeQuery) -> ListShown:
    """The one-off charges, oldest first."""
    service = provided(Charges)
    place = listing("charges", caller.organization, query.limit, query.after)
    page = service.page(caller, query.customer, query.status, place)
    keys = service.customer_keys(caller, page.data)
    return shown(page, lambda one: ChargeOut.of(one, keys.get(one.customer)))


@routes.get("/v1/charges/<charge>", scope=Scope.READ, answer=ChargeOut)
def get_charge(caller: Caller, charge: str) -> ChargeOut:
    """One charge, and the invoice on which it stands."""
    return _shown(caller, provided(Charges).get(caller.organization, charge))


@routes.delete("/v1/charges/<charge>", scope=Scope.WRITE)
def delete_charge(caller: Caller, charge: str) -> None:
    """Take back a charge that still waits."""
    provided(Charges).delete(caller, charge, precondition())


def _shown(caller: Caller, charge: Charge) -> ChargeOut:
    keys = provided(Charges).customer_keys(caller, [charge])
    return ChargeOut.of(charge, keys.get(charge.customer))
