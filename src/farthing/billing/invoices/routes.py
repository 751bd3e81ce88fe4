"""Invoices over HTTP."""

from typing import Final

from farthing.billing.invoices.explain import Explainer
from farthing.billing.invoices.finalizing import Finalizing
from farthing.billing.invoices.schemas import InvoiceIn, InvoiceOut, InvoiceQuery, VoidInvoiceIn
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.shown import ExplanationOut
from farthing.billing.invoices.store import Search
from farthing.billing.invoices.told import as_text
from farthing.billing.invoices.writing_off import WritingOff
from farthing.kernel.cache.answers import Answers
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.schemas import ListQuery
from farthing.kernel.web import Answer, ListShown, Routes, accepted, created, kept, precondition, provided, shown

routes = Routes("invoices")
TEXT: Final = "text/plain"


@routes.post("/v1/invoices", scope=Scope.WRITE, body=InvoiceIn, answer=InvoiceOut, status=201)
def create_invoice(caller: Caller, body: InvoiceIn) -> Answer:
    """Draft an invoice of one-off lines."""
    invoice = provided(Invoices).create(caller, body)
    return created(InvoiceOut.of(invoice), f"/v1/invoices/{invoice.id}")


@routes.get("/v1/invoices", scope=Scope.READ, query=InvoiceQuery, answer=InvoiceOut, paged=True)
def list_invoices(caller: Caller, query: InvoiceQuery) -> ListShown:
    """The invoices, in the order they were drafted."""
    place = listing("invoices", caller.organization, query.limit, query.after)
    search = Search(query.customer, query.status, query.bill_run, query.subscription, query.since, query.before)
    return shown(provided(Invoices).page(caller, search, place), InvoiceOut.of)


@routes.get("/v1/invoices/<reference>", scope=Scope.READ, answer=InvoiceOut)
def get_invoice(caller: Caller, reference: str) -> Answer:
    """One invoice, by id or number."""
    return kept(provided(Answers).get(caller.organization, reference))


@routes.patch("/v1/invoices/<reference>", scope=Scope.WRITE, answer=InvoiceOut)
def update_invoice(caller: Caller, reference: str, patch: object) -> InvoiceOut:
    """Change a draft: its due date, and the lines of a one-off one."""
    return InvoiceOut.of(provided(Invoices).update(caller, reference, patch, precondition()))


@routes.delete("/v1/invoices/<reference>", scope=Scope.WRITE)
def delete_invoice(caller: Caller, reference: str) -> None:
    """Drop a draft; the next run makes a subscription's anew."""
    provided(Invoices).delete(caller, reference, precondition())


@routes.post("/v1/invoices/<reference>/finalize", scope=Scope.WRITE, answer=InvoiceOut)
def finalize_invoice(caller: Caller, reference: str) -> InvoiceOut:
    """Give a draft its number; from then on it is owed."""
    return InvoiceOut.of(provided(Finalizing).finalize(caller, reference))


@routes.post("/v1/invoices/<reference>/void", scope=Scope.WRITE, body=VoidInvoiceIn, answer=InvoiceOut)
def void_invoice(caller: Caller, reference: str, body: VoidInvoiceIn) -> InvoiceOut:
    """Take back an invoice on which nothing was paid; its number stays used."""
    return InvoiceOut.of(provided(Invoices).void(caller, reference, body.rebill))


@routes.post("/v1/invoices/<reference>/write-off", scope=Scope.WRITE, answer=InvoiceOut)
def write_off_invoice(caller: Caller, reference: str) -> InvoiceOut:
    """Give up what is due on an open invoice; a payment that comes in later is still taken."""
    return InvoiceOut.of(provided(WritingOff).write_off(caller, reference))


@routes.get(
    "/v1/invoices/<reference>/lines/<line>/explain", scope=Scope.READ, query=ListQuery, answer=ExplanationOut
)
def explain_line(caller: Caller, reference: str, line: str, query: ListQuery) -> ExplanationOut | Answer:
    """A line's amount, down to the events it came from; with `Accept: text/plain` in words."""
    place = listing(f"explain/{line}", caller.organization, query.limit, query.after)
    explained = ExplanationOut.of(provided(Explainer).explain(caller, reference, line, place))
    if accepted(("application/json", TEXT)) == TEXT:
        return Answer(as_text(explained).encode(), headers=(("Content-Type", f"{TEXT}; charset=utf-8"),))
    return explained
