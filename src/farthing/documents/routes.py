"""Documents over HTTP."""

from typing import Final

from farthing.documents.service import Document, Documents
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.web import Answer, Routes, provided

routes = Routes("documents")
PDF: Final = "application/pdf"


@routes.get("/v1/invoices/<reference>.pdf", scope=Scope.READ, media=(PDF,))
def get_invoice_pdf(caller: Caller, reference: str) -> Answer:
    """A finalised invoice as PDF/A-3, the same bytes every time."""
    return _file(provided(Documents).invoice_pdf(caller.organization, reference), PDF)


@routes.get("/v1/credit-notes/<reference>.pdf", scope=Scope.READ, media=(PDF,))
def get_credit_note_pdf(caller: Caller, reference: str) -> Answer:
    """A credit note as PDF/A-3, the same bytes every time."""
    return _file(provided(Documents).credit_note_pdf(caller.organization, reference), PDF)


def _file(document: Document, media: str) -> Answer:
    name = f'inline; filename="{document.name}"'
    return Answer(document.content, headers=(
        ("Content-Type", media), ("Content-Disposition", name), ("Cache-Control", "private, max-age=86400"),
    ))
