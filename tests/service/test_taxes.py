"""Tax rates from the catalogue to the invoice (rules 19 and 27)."""

from typing import Any

import pytest

from tests.service.books import CALLS, Books

pytestmark = pytest.mark.books

GERMAN: dict[str, Any] = {"country": "DE"}
VAT: dict[str, Any] = {"key": "de-vat", "name": "VAT", "percent": "19", "country": "DE"}


def test_a_rate_is_put_on_usage(books: Books) -> None:
    """Three calls at 0.10 and 19 percent: 0.30 and 0.06 (0.057, rounded)."""
    rate = books.api.made("/v1/tax-rates", dict(VAT))
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z", customer={"address": GERMAN})
    books.use("1", "2026-10-07T12:00:00Z", "3")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert invoice["taxes"] == [{
        "rate": rate["id"], "rate_key": "de-vat", "name": "VAT", "percent": "19", "category": "S",
        "taxable": "0.30", "amount": "0.06",
    }]
    [line] = invoice["lines"]
    assert (line["amount"], line["discount"], line["tax"], line["tax_rates"]) == ("0.30", "0.00", "0.06", [rate["id"]])
    assert (invoice["subtotal"], invoice["tax_total"], invoice["total"]) == ("0.30", "0.06", "0.36")
    assert books.api.get(f"/v1/invoices/{invoice['id']}").json == invoice
    assert books.api.delete("/v1/tax-rates/de-vat").status_code == 409
