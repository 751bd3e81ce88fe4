"""What a bill run refuses to make, and goes on: the same time billed twice (I4)."""

import pytest
from sqlalchemy import update

from farthing.billing.invoices.models import invoice_lines
from farthing.kernel.clock import instant_from
from tests.service.books import BASE, Books

pytestmark = [pytest.mark.books, pytest.mark.together]


def test_what_would_bill_a_day_twice_parks_its_subscription_alone(books: Books) -> None:
    """I4: the reason names both lines; another's invoice is made all the same."""
    books.customer_on(BASE, starts_at="2026-10-01T00:00:00Z")
    books.customer("beta")
    books.subscribe(customer="beta", starts_at="2026-10-01T00:00:00Z")
    books.run("2026-10-02T00:00:00Z")
    [first] = books.invoices(customer="acme")
    with books.api.farthing.database.write() as connection:
        mine = invoice_lines.c.invoice == first["id"]
        connection.execute(update(invoice_lines).where(mine).values(period_to=instant_from("2026-11-15T00:00:00Z")))
    run = books.run("2026-11-02T00:00:00Z")
    [parked] = run["parked"]
    assert parked["subscription"] == first["subscription"]
    assert "base would be billed twice: by the fee line from 2026-11-01T00:00:00+00:00" in parked["reason"]
    other = f"from 2026-10-01T00:00:00+00:00 to 2026-11-15T00:00:00+00:00 on invoice {first['number']}"
    assert other in parked["reason"]
    assert len(books.invoices(customer="acme")) == 1
    assert len(books.invoices(customer="beta")) == 2
