"""Wallets: credit that was granted lessens prices, credit that was paid is money (rule 28; T17)."""

from typing import Any

import pytest
from sqlalchemy import update

from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.told import in_words
from farthing.billing.wallets.expiring import Expiries
from farthing.billing.wallets.models import top_ups
from farthing.cli.billing import explanations
from farthing.kernel.credentials import operator
from farthing.verification import verify
from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, Books

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing

VAT: dict[str, Any] = {"key": "vat", "name": "VAT", "percent": "20", "country": "GB"}
BRITISH: dict[str, Any] = {"address": {"country": "GB"}}


def wallet(books: Books, **fields: Any) -> dict[str, Any]:
    return books.api.made("/v1/wallets", {"customer": "acme", "currency": "USD", "name": "Credit"} | fields)


def top_up(books: Books, of: dict[str, Any], amount: str, kind: str = "paid", **fields: Any) -> dict[str, Any]:
    return books.api.made(f"/v1/wallets/{of['id']}/top-ups", {"amount": amount, "kind": kind} | fields)


def found(books: Books, path: str) -> dict[str, Any]:
    answer = books.api.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.json or {})


def left(books: Books, of: dict[str, Any]) -> list[str]:
    """What remains of its top-ups, oldest first."""
    return [one["remaining"] for one in books.api.every(f"/v1/wallets/{of['id']}/top-ups")]


def figures(invoice: dict[str, Any]) -> tuple[str, ...]:
    names = ("subtotal", "discount_total", "tax_total", "total", "credit_applied", "amount_due", "status")
    return tuple(invoice[name] for name in names)


def sound(books: Books) -> None:
    sound_books(books.api.farthing, books.api.organization)


def posted(books: Books) -> list[tuple[str, str, str, str]]:
    """The journal in short: kind, account, debit and credit."""
    text = books.api.get("/v1/exports/journal?format=csv").get_data(as_text=True)
    rows = [line.split(",") for line in text.splitlines()[1:] if not line.startswith("#")]
    return [(row[3], row[11], row[12], row[13]) for row in rows]


def test_a_wallet_says_what_can_be_used_of_it(books: Books) -> None:
    """In the order in which it is used: granted before paid, then by priority, expiry and age."""
    customer = books.customer()
    made = wallet(books)
    assert made == {
        "id": made["id"], "customer": customer["id"], "customer_key": "acme", "currency": "USD", "name": "Credit",
        "paid": "0.00", "granted": "0.00", "top_ups": [], "version": 1, "created_at": "2026-11-20T12:00:00Z",
        "updated_at": "2026-11-20T12:00:00Z",
    }
    first = top_up(books, made, "10.00")
    assert first == {
        "id": first["id"], "wallet": made["id"], "kind": "paid", "amount": "10.00", "remaining": "10.00",
        "expired": "0.00", "currency": "USD", "priority": 0, "expires_at": None, "version": 1,
        "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
    }
    assert (made["id"][:4], first["id"][:4]) == ("wal_", "top_")
    others = [
        top_up(books, made, "1.50", priority=2), top_up(books, made, "2", expires_at="2027-01-01T00:00:00Z"),
        top_up(books, made, "3", "granted"),
    ]
    shown = found(books, f"/v1/wallets/{made['id']}")
    assert (shown["paid"], shown["granted"]) == ("13.50", "3.00")
    assert [one["id"] for one in shown["top_ups"]] == [
        others[2]["id"], others[1]["id"], first["id"], others[0]["id"],
    ]
    assert books.api.every("/v1/wallets?customer=acme") == [shown]
    assert books.api.every(f"/v1/wallets/{made['id']}/top-ups") == [first, *others]
    assert found(books, f"/v1/wallets/{made['id']}/top-ups/{first['id']}") == first
    [balance] = found(books, "/v1/customers/acme/balance")["data"]
    assert balance == {"currency": "USD", "amount": "0.00", "prepaid": "13.50", "granted": "3.00"}
    assert books.api.stranger().get(f"/v1/wallets/{made['id']}").status_code == 404
    assert books.api.stranger().get(f"/v1/wallets/{made['id']}/top-ups").status_code == 404
    sound(books)


@pytest.mark.parametrize(("change", "field"), [
    ({"amount": "0"}, "amount"), ({"amount": "-1"}, "amount"), ({"amount": "1.234"}, "amount"),
    ({"amount": "1e20"}, "amount"), ({"amount": None}, "amount"), ({"kind": "lent"}, "kind"), ({"kind": None}, "kind"),
    ({"expires_at": "2026-11-20T12:00:00Z"}, "expires_at"), ({"expires_at": "soon"}, "expires_at"),
    ({"priority": -1}, "priority"), ({"priority": "1"}, "priority"), ({"remaining": "1"}, "remaining"),
])
def test_an_unlawful_top_up_is_refused(books: Books, change: dict[str, Any], field: str) -> None:
    """Every field and rule by name."""
    books.customer()
    made = wallet(books)
    sent = {name: value for name, value in ({"amount": "1", "kind": "paid"} | change).items() if value is not None}
    answer = books.api.post(f"/v1/wallets/{made['id']}/top-ups", sent)
    assert answer.status_code == 422
    assert [error["field"] for error in (answer.json or {})["errors"]] == [field]
    assert left(books, made) == []


def test_a_wallet_has_the_customers_currency(books: Books) -> None:
    """And a live balance keeps it (rule 23)."""
    books.customer()
    answer = books.api.post("/v1/wallets", {"customer": "acme", "currency": "EUR", "name": "Credit"})
    assert answer.status_code == 422
    made, empty = wallet(books), wallet(books)
    top_up(books, made, "5", expires_at="2026-12-01T00:00:00Z")
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 409
    assert books.api.delete("/v1/customers/acme").status_code == 409
    assert books.api.delete(f"/v1/wallets/{made['id']}").status_code == 409
    assert books.api.delete(f"/v1/wallets/{empty['id']}").status_code == 204
    books.api.clock.to("2026-12-01T00:00:00Z")
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 200
    answer = books.api.post(f"/v1/wallets/{made['id']}/top-ups", {"amount": "5", "kind": "paid"})
    assert answer.status_code == 422
    assert books.api.delete("/v1/customers/acme").status_code == 409


def test_granted_credit_lessens_prices_before_tax(books: Books) -> None:
    """100.00 less a tenth is 90.00, less 30.00 granted is 60.00, of which 20 % is 12.00 (rules 19 and 28)."""
    books.api.made("/v1/tax-rates", VAT)
    books.api.made("/v1/coupons", {"key": "tenth", "name": "A tenth", "percent": "10", "duration": "forever"})
    books.customer(**BRITISH)
    books.api.made("/v1/customers/acme/coupons", {"coupon": "tenth"})
    made = wallet(books)
    top_up(books, made, "30.00", "granted")
    line = {"description": "a", "quantity": "1"}
    draft = books.one_off("", False, lines=[line | {"unit_amount": "70"}, line | {"unit_amount": "30"}])
    assert figures(draft) == ("100.00", "40.00", "12.00", "72.00", "0.00", "72.00", "draft")
    assert [one["discount"] for one in draft["lines"]] == ["28.00", "12.00"]
    assert left(books, made) == ["30.00"]
    invoice = books.post(draft, "finalize")
    assert figures(invoice) == ("100.00", "40.00", "12.00", "72.00", "0.00", "72.00", "open")
    assert left(books, made) == ["0.00"]
    assert posted(books) == [
        ("invoice", "receivables", "72.00", ""), ("invoice", "revenue", "", "60.00"),
        ("invoice", "tax_payable", "", "12.00"),
    ]
    sound(books)


def test_paid_credit_is_money_after_tax(books: Books) -> None:
    """10.00 and 20 % tax are 12.00, of which 7.50 is paid in advance (rules 19, 22 and 28)."""
    books.api.made("/v1/tax-rates", VAT)
    books.customer(**BRITISH)
    made = wallet(books)
    top_up(books, made, "7.50")
    invoice = books.one_off("10.00")
    assert figures(invoice) == ("10.00", "0.00", "2.00", "12.00", "7.50", "4.50", "open")
    assert posted(books) == [
        ("top_up", "cash", "7.50", ""), ("top_up", "prepaid_credit", "", "7.50"),
        ("invoice", "receivables", "12.00", ""), ("invoice", "revenue", "", "10.00"),
        ("invoice", "tax_payable", "", "2.00"),
        ("applied", "receivables", "", "7.50"), ("applied", "prepaid_credit", "7.50", ""),
    ]
    sound(books)


@pytest.mark.parametrize("kind", ["paid", "granted"])
def test_credit_above_the_total_stays(books: Books, kind: str) -> None:
    """T17: nothing falls below zero, and an invoice with nothing due is numbered and paid (rule 26)."""
    books.customer()
    made = wallet(books)
    top_up(books, made, "25.00", kind)
    invoice = books.one_off("10.00")
    assert (invoice["amount_due"], invoice["status"], invoice["number"]) == ("0.00", "paid", "INV-2026-000001")
    assert left(books, made) == ["15.00"]
    sound(books)


def test_credit_is_used_by_priority_then_expiry_then_age(books: Books) -> None:
    """1 before 2; 0 when left out (rule 28)."""
    books.customer()
    made = wallet(books)
    for kind in ("paid", "granted"):
        top_up(books, made, "1", kind, priority=2)
        top_up(books, made, "2", kind, priority=1)
        top_up(books, made, "4", kind, priority=1, expires_at="2027-02-01T00:00:00Z")
        top_up(books, made, "8", kind, priority=1, expires_at="2027-01-01T00:00:00Z")
        top_up(books, made, "16", kind)
        top_up(books, made, "32", kind)
    rest = ["1.00", "2.00", "4.00", "8.00", "16.00", "32.00"]
    for amount, granted in (
        ("20", ["1.00", "2.00", "4.00", "8.00", "0.00", "28.00"]),
        ("30", ["1.00", "2.00", "4.00", "6.00", "0.00", "0.00"]),
        ("11", ["1.00", "1.00", "0.00", "0.00", "0.00", "0.00"]),
    ):
        books.one_off(amount)
        assert left(books, made) == [*rest, *granted]
    books.one_off("52")
    assert left(books, made)[:6] == ["1.00", "2.00", "4.00", "6.00", "0.00", "0.00"]
    sound(books)


def test_a_run_spends_credit_once_in_the_order_of_its_invoices(books: Books) -> None:
    """Three boundaries: the third is a draft and shows what would be left for it (rule 28)."""
    books.customer_on(BASE, CALLS, starts_at="2026-09-01T00:00:00Z")
    made = wallet(books)
    top_up(books, made, "13.00", "granted")
    top_up(books, made, "9.00")
    books.api.clock.to("2026-11-01T00:10:00Z")
    books.run("2026-11-01T00:10:00Z")
    found = sorted(books.invoices(), key=lambda one: one["boundary"])
    assert [(one["discount_total"], one["credit_applied"], one["status"]) for one in found] == [
        ("10.00", "0.00", "paid"), ("3.00", "7.00", "paid"), ("0.00", "0.00", "draft"),
    ]
    assert left(books, made) == ["0.00", "2.00"]
    [third] = books.billed("2026-11-01T00:10:00Z", dry_run=True) or [found[2]]
    assert figures(books.post(third, "finalize"))[4:] == ("2.00", "8.00", "open")
    sound(books)


def test_voiding_gives_credit_back(books: Books) -> None:
    """To the top-ups that it came from, and what was posted is reversed (rules 20 and 22)."""
    books.customer()
    made = wallet(books)
    top_up(books, made, "3", "granted")
    top_up(books, made, "4", expires_at="2026-12-01T00:00:00Z")
    invoice = books.one_off("10")
    assert (invoice["discount_total"], invoice["credit_applied"]) == ("3.00", "4.00")
    books.post(invoice, "void")
    assert left(books, made) == ["3.00", "4.00"]
    sound(books)
    again = books.one_off("10")
    assert (again["discount_total"], again["credit_applied"]) == ("3.00", "4.00")
    books.api.clock.to("2026-12-01T00:00:00Z")
    books.post(again, "void")
    assert left(books, made) == ["3.00", "0.00"]
    last = books.one_off("10")
    assert (last["discount_total"], last["credit_applied"]) == ("3.00", "0.00")
    sound(books)


@pytest.mark.together
def test_paid_credit_that_expires_becomes_revenue_once(books: Books) -> None:
    """Granted credit just goes; both are used until the moment itself (rules 22 and 28)."""
    books.customer()
    made = wallet(books)
    for kind in ("paid", "granted"):
        top_up(books, made, "4", kind, expires_at="2026-12-01T00:00:00Z")
    books.api.clock.to("2026-11-30T23:59:59.999999Z")
    expiries = books.api.farthing[Expiries]
    assert expiries.expire(books.api.organization) == 0
    assert books.one_off("1")["discount_total"] == "1.00"
    books.api.clock.to("2026-12-01T00:00:00Z")
    shown = books.api.every(f"/v1/wallets/{made['id']}/top-ups")
    assert [(one["remaining"], one["expired"]) for one in shown] == [("0.00", "4.00"), ("0.00", "3.00")]
    assert figures(books.one_off("1"))[1] == "0.00"
    assert [row for row in posted(books) if row[0] == "expiry"] == [
        ("expiry", "prepaid_credit", "4.00", ""), ("expiry", "revenue", "", "4.00"),
    ]
    expiries.expire_all()
    assert expiries.expire(books.api.organization) == 0
    assert [(one["remaining"], one["expired"]) for one in books.api.every(f"/v1/wallets/{made['id']}/top-ups")] == [
        ("0.00", "4.00"), ("0.00", "3.00"),
    ]
    sound(books)


@pytest.mark.together
def test_a_line_is_told_in_words(books: Books) -> None:
    """From the days of a fee to coupons, granted credit and tax, each with this line's part (rules 13, 19 and 28)."""
    books.api.made("/v1/tax-rates", VAT)
    books.api.made("/v1/coupons", {"key": "tenth", "name": "A tenth off", "percent": "10", "duration": "forever"})
    books.customer_on(BASE, starts_at="2026-11-16T00:00:00Z", customer=BRITISH, coupons=["tenth"])
    top_up(books, wallet(books), "3.00", "granted")
    charge = {"customer": "acme", "description": "Setup", "quantity": "1.5", "unit_amount": "10.01", "currency": "USD"}
    books.api.made("/v1/charges", charge)
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    farthing, organization = books.api.farthing, books.api.organization
    stored = farthing[Invoices].get(organization, invoice["id"])
    fee, one_off = [[*in_words(one)] for one in explanations(farthing, operator(organization), stored)]
    assert fee == [
        "fixed fee: 10", "15 of 30 days: less 5", "5 is rounded once, to 2 decimals, half away from zero: 5.00",
        "A tenth off: 10 % of 20.02 over 2 lines is 2.00; this line's part is 0.50",
        "Granted credit: 3.00 off 18.02 over 2 lines; this line's part is 0.75",
        "vat: 20 % of 15.02 over 2 lines is 3.00; the part of this line's 3.75 is 0.75",
        "5.00 net, less 1.25 discount, plus 0.75 tax",
    ]
    assert one_off[0] == "quantity times unit amount: 1.5 x 10.01 = 15.015"
    line = invoice["lines"][0]["id"]
    told = found_discounts(books, invoice["id"], line)
    assert [(one["coupon_key"], one["amount"]) for one in told] == [("tenth", "0.50"), (None, "0.75")]


def found_discounts(books: Books, invoice: str, line: str) -> list[dict[str, Any]]:
    return list(found(books, f"/v1/invoices/{invoice}/lines/{line}/explain")["discounts"])


@pytest.mark.together
@pytest.mark.parametrize(("change", "words"), [
    ({"remaining": 1, "expired": 0}, "100 in minor units, but 1 remaining"),
    ({"remaining": 100}, "remains of what was"),
])
def test_credit_that_was_altered_is_found_out(books: Books, change: dict[str, int], words: str) -> None:
    """I6: in a top-up, and against the journal."""
    books.customer()
    made = top_up(books, wallet(books), "1.00")
    books.one_off("0.60")
    with books.api.farthing.database.write() as connection:
        connection.execute(update(top_ups).where(top_ups.c.id == made["id"]).values(change))
    broken = [each for one in verify(books.api.farthing, [books.api.organization]) for each in one.broken]
    assert any(words in each.problem for each in broken), broken
