"""What the database itself refuses, whatever the program above it believes (rules 2, 21 and 25; I4, I5, I7)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from farthing.billing.coupons.models import attached_coupons
from farthing.billing.invoices.models import invoice_lines, invoice_payments, invoices, number_series
from farthing.billing.subscriptions.models import subscriptions
from farthing.catalog.coupons.models import coupons
from farthing.kernel.database import violates
from farthing.payments.models import payments
from tests.service.books import BASE, Books

pytestmark = pytest.mark.books


@pytest.fixture
def billed(books: Books) -> Books:
    """Two open invoices of a subscription, and a payment of the first."""
    books.customer_on(BASE, starts_at="2026-10-01T00:00:00Z")
    first, _ = books.billed("2026-11-20T00:00:00Z")
    payment = {"invoice": first["id"], "amount": "4.00", "currency": "USD", "method": "wire", "reference": "r1"}
    books.api.made("/v1/payments", payment)
    return books


@contextmanager
def refused(books: Books, constraint: str | None = None) -> Iterator[Connection]:
    """The block's statement is refused, by this constraint; nothing of it is kept."""
    before = stored(books)
    with pytest.raises(IntegrityError) as caught:
        with books.api.farthing.database.write() as connection:
            yield connection
    assert constraint is None or violates(caught.value, constraint) or constraint in str(caught.value.orig)
    assert stored(books) == before


def stored(books: Books) -> list[Any]:
    with books.api.farthing.database.read() as connection:
        return [
            sorted(map(str, connection.execute(select(table).where(table.c.organization == books.api.organization))))
            for table in (invoices, invoice_lines, invoice_payments, number_series, subscriptions, payments)
        ]


def row(connection: Connection, table: Table, organization: str) -> dict[str, Any]:
    """The first one there is."""
    mine = select(table).where(table.c.organization == organization).order_by(*table.primary_key.columns)
    return dict(connection.execute(mine).mappings().first() or {})


def test_a_boundary_is_billed_by_one_invoice(billed: Books) -> None:
    """Until it is voided (rule 25)."""
    with refused(billed, "invoices_boundary") as connection:
        again = row(connection, invoices, billed.api.organization) | {"id": "inv_again", "number": "INV-2026-000009"}
        connection.execute(insert(invoices).values(again))


def test_a_line_is_billed_once(billed: Books) -> None:
    """Also on another invoice (rule 25)."""
    with refused(billed, "invoice_lines_once") as connection:
        again = row(connection, invoice_lines, billed.api.organization) | {"id": "lin_again"}
        connection.execute(insert(invoice_lines).values(again))


def test_a_number_is_given_once(billed: Books) -> None:
    """Numbers have no repeats (rule 21)."""
    with refused(billed, "invoices_number") as connection:
        again = row(connection, invoices, billed.api.organization) | {"id": "inv_again", "billed_as": None}
        connection.execute(insert(invoices).values(again))


def test_a_series_has_one_counter_a_year(billed: Books) -> None:
    with refused(billed, "number_series_pk") as connection:
        connection.execute(insert(number_series).values(row(connection, number_series, billed.api.organization)))


@pytest.mark.parametrize(("change", "constraint"), [
    ({"total": invoices.c.total + 1, "amount_due": invoices.c.amount_due + 1}, "invoices_total"),
    ({"subtotal": invoices.c.subtotal + 1}, "invoices_total"),
    ({"tax_total": 1}, "invoices_total"),
    ({"amount_due": invoices.c.amount_due - 1}, "invoices_due"),
    ({"amount_paid": invoices.c.amount_paid + 1}, "invoices_due"),
    ({"status": "void", "amount_paid": 2000, "amount_due": -1000}, "invoices_sign"),
    ({"amount_paid": -1, "amount_due": invoices.c.total + 1}, "invoices_sign"),
    ({"status": "paid", "subtotal": -1, "total": -1, "amount_due": 0, "amount_paid": -1}, "invoices_sign"),
    ({"number": None, "issued_at": None}, "invoices_numbered"),
    ({"issued_at": None}, "invoices_issued"),
    ({"status": "draft"}, "invoices_numbered"),
    ({"status": "lost"}, "invoices_status"),
    ({"status": "paid"}, "invoices_paid"),
    ({"amount_paid": 1000, "amount_due": 0}, "invoices_paid"),
])
def test_the_sums_and_the_state_of_an_invoice_hold(billed: Books, change: dict[str, Any], constraint: str) -> None:
    """I5, I7."""
    with refused(billed, constraint) as connection:
        connection.execute(update(invoices).where(invoices.c.organization == billed.api.organization).values(change))


@pytest.mark.parametrize(("table", "change", "constraint"), [
    (invoice_payments, {"amount": 0}, "invoice_payments_amount"), (payments, {"amount": -1}, "payments_amount"),
    (subscriptions, {"parked": "why"}, "subscriptions_parked"),
    (subscriptions, {"interval_count": 0}, "subscriptions_interval"),
])
def test_what_belongs_to_an_invoice_is_sound(
    billed: Books, table: Table, change: dict[str, Any], constraint: str
) -> None:
    with refused(billed, constraint) as connection:
        connection.execute(update(table).where(table.c.organization == billed.api.organization).values(change))


def test_a_subscription_is_not_billed_beyond_its_end(billed: Books) -> None:
    with refused(billed, "subscriptions_end") as connection:
        mine = subscriptions.c.organization == billed.api.organization
        connection.execute(update(subscriptions).where(mine).values(ends_at=subscriptions.c.starts_at))


def test_a_receipt_is_one_payment(billed: Books) -> None:
    with refused(billed, "payments_receipt") as connection:
        again = row(connection, payments, billed.api.organization) | {"id": "pay_again"}
        connection.execute(insert(payments).values(again))


@pytest.mark.parametrize("begun", [
    lambda mine: delete(invoices).where(invoices.c.organization == mine),
    lambda mine: update(invoice_lines).where(invoice_lines.c.organization == mine).values(invoice="inv_nowhere"),
])
def test_lines_and_payments_have_their_invoice(billed: Books, begun: Callable[[str], Any]) -> None:
    with refused(billed) as connection:
        connection.execute(begun(billed.api.organization))


@pytest.mark.parametrize(("change", "constraint"), [
    ({"redemptions": 3}, "coupons_redemptions"), ({"amount": 1, "currency": "USD"}, "coupons_one_of"),
    ({"percent": None}, "coupons_one_of"),
    ({"percent": None, "amount": 1}, "coupons_currency"),
    ({"percent": None, "amount": 0, "currency": "USD"}, "coupons_amount"),
])
def test_a_coupon_is_lawful_and_given_no_more_often_than_it_may_be(
    books: Books, change: dict[str, Any], constraint: str
) -> None:
    books.api.made("/v1/coupons", {"key": "c", "name": "C", "percent": "1", "duration": "once", "max_redemptions": 2})
    with refused(books, constraint) as connection:
        mine = coupons.c.organization == books.api.organization
        connection.execute(update(coupons).where(mine).values(change))


def test_a_coupon_is_given_once_to_the_same_owner(books: Books) -> None:
    books.api.made("/v1/coupons", {"key": "c", "name": "C", "percent": "1", "duration": "once"})
    books.customer()
    books.api.made("/v1/customers/acme/coupons", {"coupon": "c"})
    with refused(books, "attached_coupons_once") as connection:
        again = row(connection, attached_coupons, books.api.organization) | {"id": "cpa_again"}
        connection.execute(insert(attached_coupons).values(again))
