"""Documents over HTTP: made once from what was frozen at finalising, and the same ever after."""

import io

import pytest
from pypdf import PdfReader

from tests.service.books import Books

pytestmark = pytest.mark.together  # all of it is within billing


def texts(pdf: bytes) -> str:
    return "\n".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf)).pages)


def test_an_invoice_as_pdf(books: Books) -> None:
    """It says who, what and how much, and says so still when the customer, a payment and a credit note came after."""
    books.customer(name="Müller & Söhne", address={"line1": "Weg 1", "city": "Berlin", "country": "DE"})
    draft = books.one_off("1234.50", finalize=False)
    assert books.api.get(f"/v1/invoices/{draft['id']}.pdf").status_code == 409
    invoice = books.post(draft, "finalize")
    first = books.api.get(f"/v1/invoices/{invoice['id']}.pdf")
    assert (first.status_code, first.content_type) == (200, "application/pdf"), first.get_data(as_text=True)
    said = texts(first.data)
    for text in ("Müller & Söhne", "Weg 1", "Setup", "1,234.50", invoice["number"], "Nov 20, 2026"):
        assert text in said
    payment = {"invoice": invoice["id"], "amount": "34.50", "currency": "USD", "method": "wire"}
    books.api.made("/v1/payments", payment)
    note = books.api.made("/v1/credit-notes", {"invoice": invoice["id"], "amount": "all", "reason": "Wrong"})
    books.api.patch("/v1/customers/acme", {"name": "Else"})
    assert books.api.get(f"/v1/invoices/{invoice['number']}.pdf").data == first.data
    credited = texts(books.api.get(f"/v1/credit-notes/{note['id']}.pdf").data)
    assert note["number"] in credited
    assert invoice["number"] in credited
    assert books.api.stranger().get(f"/v1/invoices/{invoice['id']}.pdf").status_code == 404
