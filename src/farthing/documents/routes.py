"""Documents over HTTP."""

from typing import Final

from farthing.documents.service import Document, Documents, Syntax
from farthing.kernel.credentials import Caller, Scope
from farthing.kernel.schemas import Query
from farthing.kernel.web import Answer, Routes, provided

routes = Routes("documents")
PDF: Final = "application/pdf"
XML: Final = "application/xml"


class XmlQuery(Query):
    """The notation of the e-invoice."""

    syntax: Syntax = "ubl"


@routes.get("/v1/invoices/<reference>.pdf", scope=Scope.READ, media=(PDF,))
def get_invoice_pdf(caller: Caller, reference: str) -> Answer:
    """A finalised invoice as PDF/A-3, the same bytes every time."""
    return _file(provided(Documents).invoice_pdf(caller.organization, reference), PDF)


@routes.get("/v1/credit-notes/<reference>.pdf", scope=Scope.READ, media=(PDF,))
def get_credit_note_pdf(caller: Caller, reference: str) -> Answer:
    """A credit note as PDF/A-3, the same bytes every time."""
    return _file(provided(Documents).credit_note_pdf(caller.organization, reference), PDF)


@routes.get("/v1/invoices/<reference>.xml", scope=Scope.READ, query=XmlQuery, media=(XML,))
def get_invoice_xml(caller: Caller, reference: str, query: XmlQuery) -> Answer:
    """A finalised invoice as an e-invoice of EN 16931, in UBL or CII; 422 with what it lacks."""
    return _file(provided(Documents).invoice_xml(caller.organization, reference, query.syntax), XML)


@routes.get("/v1/credit-notes/<reference>.xml", scope=Scope.READ, query=XmlQuery, media=(XML,))
def get_credit_note_xml(caller: Caller, reference: str, query: XmlQuery) -> Answer:
    """A credit note as an e-invoice of EN 16931, in UBL or CII; 422 with what its invoice lacks."""
    return _file(provided(Documents).credit_note_xml(caller.organization, reference, query.syntax), XML)


def _file(document: Document, media: str) -> Answer:
    name = f'inline; filename="{document.name}"'
    return Answer(document.content, headers=(
        ("Content-Type", media), ("Content-Disposition", name), ("Cache-Control", "private, max-age=86400"),
    ))
