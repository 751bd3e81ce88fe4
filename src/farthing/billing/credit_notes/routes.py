"""Credit notes over HTTP."""

from farthing.billing.credit_notes.schemas import CreditNoteIn, CreditNoteOut, CreditNoteQuery
from farthing.billing.credit_notes.service import CreditNotes
from farthing.billing.credit_notes.values import CreditNote
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.pagination import listing
from farthing.kernel.web import Answer, ListShown, Routes, created, provided, shown

routes = Routes("credit-notes")


@routes.post("/v1/credit-notes", scope=Scope.WRITE, body=CreditNoteIn, answer=CreditNoteOut, status=201)
def create_credit_note(caller: Caller, body: CreditNoteIn) -> Answer:
    """Give back some lines of an invoice, or all that is left of it; what is due is lowered first."""
    note = provided(CreditNotes).create(caller, body)
    return created(_shown(caller, note), f"/v1/credit-notes/{note.id}")


@routes.get("/v1/credit-notes", scope=Scope.READ, query=CreditNoteQuery, answer=CreditNoteOut, paged=True)
def list_credit_notes(caller: Caller, query: CreditNoteQuery) -> ListShown:
    """The credit notes, oldest first."""
    service = provided(CreditNotes)
    place = listing("credit-notes", caller.organization, query.limit, query.after)
    page = service.page(caller, query.customer, query.invoice, place)
    keys = service.customer_keys(caller, page.data)
    return shown(page, lambda one: CreditNoteOut.of(one, keys.get(one.customer)))


@routes.get("/v1/credit-notes/<reference>", scope=Scope.READ, answer=CreditNoteOut)
def get_credit_note(caller: Caller, reference: str) -> CreditNoteOut:
    """One credit note, by id or number."""
    return _shown(caller, provided(CreditNotes).get(caller.organization, reference))


def _shown(caller: Caller, note: CreditNote) -> CreditNoteOut:
    keys = provided(CreditNotes).customer_keys(caller, [note])
    return CreditNoteOut.of(note, keys.get(note.customer))
