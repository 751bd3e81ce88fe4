"""The use cases of documents: made from what was frozen at finalising, stored, and the same ever after."""

from collections.abc import Callable
from dataclasses import dataclass

from farthing.billing import Issued, IssuedBook
from farthing.documents.page import page
from farthing.documents.typesetting import typeset
from farthing.kernel.files import Files


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

    def _stored(self, issued: Issued, kind: str, make: Callable[[Issued], bytes]) -> Document:
        one = issued.note or issued.invoice
        place = f"documents/{one.organization}/{one.id}.{kind}"
        content = self.files.get(place)
        if content is None:
            content = self.files.add(place, make(issued))
        return Document(f"{one.number}.{kind}", content)


def pdf(issued: Issued) -> bytes:
    """The PDF of an invoice or credit note."""
    return typeset(page(issued))
