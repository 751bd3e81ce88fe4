"""Documents over HTTP: made once from what was frozen at finalising, and the same ever after."""

import io
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from pypdf import PdfReader

from tests.en16931 import sound
from tests.service.books import CALLS, Books

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


def test_a_character_that_no_font_has_is_an_empty_square(books: Books) -> None:
    books.customer(name="Nile \N{EGYPTIAN HIEROGLYPH A001}\N{EGYPTIAN HIEROGLYPH A002} \u682a")
    answer = books.api.get(f"/v1/invoices/{books.one_off('1.00')['id']}.pdf")
    assert answer.status_code == 200
    assert "Nile \N{WHITE SQUARE}" in texts(answer.data)
    assert "\u682a" in texts(answer.data)


def test_a_long_invoice_carries_its_sums(books: Books) -> None:
    """From each page to the next, and not behind the last line."""
    books.api.patch("/v1/organization", {"locale": "es_MX"})
    books.customer()
    lines = [{"description": f"Line {number}", "quantity": "1", "unit_amount": "1.25"} for number in range(200)]
    invoice = books.one_off("1", lines=lines)
    pages = [one.extract_text() for one in PdfReader(io.BytesIO(
        books.api.get(f"/v1/invoices/{invoice['id']}.pdf").data
    )).pages]
    assert len(pages) > 2
    for page, following in pairwise(pages):
        [carried] = [line for line in page.splitlines() if line.startswith("Suma y sigue")]
        assert carried.rpartition(" ")[2] == following.splitlines()[0].rpartition(" ")[2]
    assert "USD\N{NO-BREAK SPACE}250.00" in pages[-1].replace("USD 250", "USD\N{NO-BREAK SPACE}250")
    assert "Suma y sigue" not in pages[-1]


SELLER: dict[str, Any] = {
    "name": "Seller", "legal_name": "Seller GmbH", "email": "bills@seller.example", "locale": "de",
    "address": {"line1": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
    "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}], "bank": {"iban": "DE89370400440532013000"},
}


def sums_of(one: dict[str, Any], paid: str = "0") -> dict[str, Decimal]:
    """What an e-invoice must say of an invoice or credit note."""
    net = Decimal(one["subtotal"]) - Decimal(one.get("discount_total", "0"))
    total = Decimal(one["total"])
    sums = {"lines": net, "net": net, "tax": one["tax_total"], "total": total, "paid": paid}
    return {name: Decimal(value) for name, value in sums.items()} | {"due": total - Decimal(paid)}


def embedded(pdf: bytes) -> bytes:
    [(name, contents)] = PdfReader(io.BytesIO(pdf)).attachments.items()
    assert name == "factur-x.xml"
    return contents[0]


@pytest.mark.books
def test_an_invoice_and_its_credit_note_as_e_invoices(books: Books) -> None:
    """UBL and CII keep their schemas, and their sums are the invoice's: tiers, a coupon, two rates, a credit note."""
    books.api.patch("/v1/organization", SELLER)
    for key, percent, code in (("vat", "19", None), ("low", "7", "books")):
        rate = {"key": key, "name": "USt", "percent": percent, "country": "DE"} | ({"tax_code": code} if code else {})
        books.api.made("/v1/tax-rates", rate)
    books.api.made("/v1/coupons", {"key": "ten", "name": "Ten", "percent": "10", "duration": "forever"})
    graduated = CALLS | {"model": "graduated", "tax_code": "books"}
    del graduated["unit_amount"]
    tiers = [{"up_to": "10", "unit_amount": "0.333"}, {"up_to": None, "unit_amount": "0.111"}]
    books.customer_on(
        graduated | {"tiers": tiers}, {"key": "fee", "name": "Fee", "model": "flat", "amount": "99.99",
        "billing": "in_advance"}, customer={"address": {"country": "DE"}},
    )
    books.api.made("/v1/customers/acme/coupons", {"coupon": "ten"})
    books.use("e1", "2026-09-05T00:00:00Z", "17")
    [_, invoice] = books.billed("2026-10-01T02:00:00Z")
    for syntax in ("ubl", "cii"):
        answer = books.api.get(f"/v1/invoices/{invoice['id']}.xml?syntax={syntax}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert sound(answer.data) == sums_of(invoice)
    assert b"Quantity: 17" in answer.data
    assert sound(embedded(books.api.get(f"/v1/invoices/{invoice['id']}.pdf").data)) == sums_of(invoice)
    body = {"invoice": invoice["id"], "lines": [{"line": invoice["lines"][-1]["id"], "amount": "33.33"}], "reason": "W"}
    note = books.api.made("/v1/credit-notes", body)
    for syntax in ("ubl", "cii"):
        assert sound(books.api.get(f"/v1/credit-notes/{note['id']}.xml?syntax={syntax}").data) == sums_of(note)


def test_what_an_e_invoice_lacks_is_told_by_field(books: Books) -> None:
    """422 with every field; the PDF is there all the same."""
    books.customer()
    invoice = books.one_off("10")
    answer = books.api.get(f"/v1/invoices/{invoice['id']}.xml")
    fields = [one["field"] for one in dict(answer.json or {})["errors"]]
    assert (answer.status_code, fields) == (
        422, ["seller.address.country", "customer.address.country", "taxes", "seller.tax_ids"]
    )
    assert books.api.get(f"/v1/invoices/{invoice['id']}.pdf").status_code == 200


def test_an_e_invoice_with_a_reverse_charge(books: Books) -> None:
    """It has both numbers, and the reason why no tax is asked for (BR-AE-02, BR-AE-10)."""
    books.api.patch("/v1/organization", SELLER)
    numbers = [{"type": "eu_vat", "value": "FR40303265045"}]
    books.customer(address={"country": "FR"}, tax_ids=numbers, tax_treatment="reverse_charge")
    invoice = books.one_off("10")
    xml = books.api.get(f"/v1/invoices/{invoice['id']}.xml").data
    assert sound(xml) == sums_of(invoice)
    assert b"<cbc:TaxExemptionReason>Reverse charge" in xml
