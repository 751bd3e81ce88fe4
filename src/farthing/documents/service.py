"""The use cases of documents: made from what was frozen at finalising, stored, and the same ever after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from farthing.billing import Issued, IssuedBook
from farthing.documents.attaching import with_einvoice
from farthing.documents.cii import cii
from farthing.documents.einvoice import einvoice
from farthing.documents.lacking import lacking
from farthing.documents.page import page
from farthing.documents.typesetting import typeset
from farthing.documents.ubl import ubl
from farthing.kernel.files import Files

Syntax = Literal["ubl", "cii"]

@dataclass(frozen=True, slots=True)
class Document:
    """A finished file, and what to call it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Documents:
    """Finalised invoices and credit notes as files."""

    book: IssuedBook
    files: Files

    def invoice_pdf(self, organization: str, reference: str) -> Document:
        """Raises InvoiceNotFound, InvoiceNotOpen, Unavailable."""
        return self._stored(self.book.invoice(organization, reference), "pdf", pdf)

    def credit_note_pdf(self, organization: str, reference: str) -> Document:
        """Raises CreditNoteNotFound, Unavailable."""
        return self._stored(self.book.credit_note(organization, reference), "pdf", pdf)

    def invoice_xml(self, organization: str, reference: str, syntax: Syntax) -> Document:
        """Raises InvoiceNotFound, InvoiceNotOpen, IncompleteInvoice, Unavailable."""
        return self._stored(self.book.invoice(organization, reference), f"{syntax}.xml", WRITERS[syntax])

    def credit_note_xml(self, organization: str, reference: str, syntax: Syntax) -> Document:
        """Raises CreditNoteNotFound, IncompleteInvoice, Unavailable."""
        return self._stored(self.book.credit_note(organization, reference), f"{syntax}.xml", WRITERS[syntax])

    def _stored(self, issued: Issued, kind: str, make: Callable[[Issued], bytes]) -> Document:
        one = issued.note or issued.invoice
        place = f"documents/{one.organization}/{one.id}.{kind}"
        content = self.files.get(place)
        if content is None:
            content = self.files.add(place, make(issued))
        return Document(f"{one.number}.{kind}", content)


def pdf(issued: Issued) -> bytes:
    """The PDF of an invoice or credit note, with its e-invoice inside where it can be one (Factur-X)."""
    made = typeset(page(issued))
    if next(lacking(issued.invoice), None) is not None:
        return made
    return with_einvoice(made, cii(einvoice(issued)))


WRITERS: Final[Mapping[Syntax, Callable[[Issued], bytes]]] = {
    "ubl": lambda issued: ubl(einvoice(issued)), "cii": lambda issued: cii(einvoice(issued)),
}
