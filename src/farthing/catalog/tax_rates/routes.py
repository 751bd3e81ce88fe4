"""Tax rates over HTTP."""

from farthing.catalog.tax_rates.schemas import TaxRateIn, TaxRateOut
from farthing.catalog.tax_rates.service import TaxRates
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, created, precondition, provided, shown

routes = Routes("tax-rates")


@routes.post("/v1/tax-rates", scope=Scope.WRITE, body=TaxRateIn, answer=TaxRateOut, status=201)
def create_tax_rate(caller: Caller, body: TaxRateIn) -> Answer:
    """Add a tax rate; drafts take it when they are made again."""
    rate = provided(TaxRates).create(caller, body)
    return created(TaxRateOut.of(rate), f"/v1/tax-rates/{rate.id}")


@routes.get("/v1/tax-rates", scope=Scope.READ, query=ListQuery, answer=TaxRateOut, paged=True)
def list_tax_rates(caller: Caller, query: ListQuery) -> ListShown:
    """The tax rates, oldest first."""
    place = listing("tax-rates", caller.organization, query.limit, query.after)
    return shown(provided(TaxRates).page(caller, place), TaxRateOut.of)


@routes.get("/v1/tax-rates/<reference>", scope=Scope.READ, answer=TaxRateOut)
def get_tax_rate(caller: Caller, reference: str) -> TaxRateOut:
    """One tax rate, by id or key."""
    return TaxRateOut.of(provided(TaxRates).get(caller.organization, reference))


@routes.patch("/v1/tax-rates/<reference>", scope=Scope.WRITE, answer=TaxRateOut)
def update_tax_rate(caller: Caller, reference: str, patch: object) -> TaxRateOut:
    """Change a tax rate by JSON merge patch; finalised invoices keep what they have."""
    return TaxRateOut.of(provided(TaxRates).update(caller, reference, patch, precondition()))


@routes.delete("/v1/tax-rates/<reference>", scope=Scope.WRITE)
def delete_tax_rate(caller: Caller, reference: str) -> None:
    """Remove a tax rate that no invoice has."""
    provided(TaxRates).delete(caller, reference, precondition())
