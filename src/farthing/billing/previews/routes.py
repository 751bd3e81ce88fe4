"""Previews over HTTP."""

from farthing.billing.previews.changes import ChangePreviews
from farthing.billing.previews.schemas import (
    ComparedOut,
    InvoicePreviewIn,
    InvoicePreviewOut,
    SimulationIn,
    SimulationOut,
    SumsOut,
    UpcomingInvoiceOut,
)
from farthing.billing.previews.service import Previews
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Routes, provided

routes = Routes("previews")


@routes.get("/v1/subscriptions/<reference>/upcoming-invoice", scope=Scope.READ, answer=UpcomingInvoiceOut)
def get_upcoming_invoice(caller: Caller, reference: str) -> UpcomingInvoiceOut:
    """The subscription's next invoice, from what is known by now."""
    return UpcomingInvoiceOut.of(provided(Previews).upcoming(caller, reference))


@routes.post("/v1/invoices/preview", scope=Scope.READ, body=InvoicePreviewIn, answer=InvoicePreviewOut)
def preview_invoice(caller: Caller, body: InvoicePreviewIn) -> InvoicePreviewOut:
    """The invoice that a change, a pause, a resumption or a cancellation would lead to, and the one without it."""
    return InvoicePreviewOut.previewed(provided(ChangePreviews).preview(caller, body))


@routes.post("/v1/simulations", scope=Scope.READ, body=SimulationIn, answer=SimulationOut)
def simulate(caller: Caller, body: SimulationIn) -> SimulationOut:
    """What the periods of a time would have cost by another plan or prices, by customer and in total."""
    done = provided(Previews).simulate(caller, body)
    return SimulationOut(
        data=[ComparedOut.compared(one, done.keys.get(one.customer)) for one in done.compared],
        totals=[SumsOut.of(one) for one in done.totals],
    )
