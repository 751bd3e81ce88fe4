"""Rating on demand over HTTP."""

from farthing.catalog.rates import service
from farthing.catalog.rates.schemas import RateIn, RateOut
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Routes

routes = Routes("rate")


@routes.post("/v1/rate", scope=Scope.READ, body=RateIn, answer=RateOut)
def rate(caller: Caller, body: RateIn) -> RateOut:
    """What a price charges for a quantity or for events, with the steps that explain it; stores nothing."""
    return service.rate(body)
