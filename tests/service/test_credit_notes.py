"""Credit notes over HTTP: what is given back, where it goes, and what stays (rules 20 to 23; T18)."""

import subprocess
from collections.abc import Mapping
from decimal import Decimal
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from farthing.billing.journal.releasing import Releases
from tests.oracle import sound_books
from tests.service.books import BASE, Books
from tests.service.test_audit import changes
from tests.service.test_balances import balance
from tests.service.test_journal import accounts, kinds
from tests.service.test_journal_export import BEAN_CHECK, export

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing
ALL = "all"


def credit(books: Books, invoice: Mapping[str, Any], what: Any = ALL, **fields: Any) -> dict[str, Any]:
    return books.api.made("/v1/credit-notes", body(invoice, what) | fields)


def body(invoice: Mapping[str, Any], what: Any = ALL) -> dict[str, Any]:
    """What a POST says: all of an invoice, or an amount of each of its lines."""
    named = {"amount": ALL} if what == ALL else {
        "lines": [{"line": line["id"], "amount": each} for line, each in zip(invoice["lines"], what, strict=False)]
    }
    return {"invoice": invoice["id"], "reason": "Wrong"} | named


def pay(books: Books, invoice: Mapping[str, Any], amount: str) -> None:
    payment = {"invoice": invoice["id"], "amount": amount, "currency": "USD", "method": "wire"}
    books.api.made("/v1/payments", payment)


def again(books: Books, invoice: Mapping[str, Any]) -> dict[str, Any]:
    """The invoice as it is now, once the books were found sound."""
    sound_books(books.api.farthing, books.api.organization)
    return dict(books.api.get(f"/v1/invoices/{invoice['id']}").json or {})


def sums(invoice: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(invoice[name] for name in ("status", "total", "credit_applied", "amount_paid", "amount_due"))


def went(note: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(note[name] for name in ("total", "applied", "credited", "refunded"))


def taxed(books: Books, percent: str = "19", **fields: Any) -> None:
    books.api.made("/v1/tax-rates", {"key": "vat", "name": "VAT", "percent": percent, "country": "DE"} | fields)
    books.customer(address={"country": "DE"})


def two_lines(books: Books, *amounts: str) -> dict[str, Any]:
    lines = [{"description": f"Line {n}", "quantity": "1", "unit_amount": each} for n, each in enumerate(amounts)]
    return books.one_off("0", lines=lines)


def test_a_credit_note_lowers_what_is_due(books: Books) -> None:
    """Rules 20 and 21: it has a number of its own series, its lines their tax, and the invoice shows it."""
    taxed(books)
    invoice = two_lines(books, "100", "50")
    note = credit(books, invoice, ["33.33"], reason="Three days without service")
    assert note == {
        "id": note["id"], "number": "CRN-2026-000001", "invoice": invoice["id"], "invoice_number": "INV-2026-000001",
        "customer": invoice["customer"]["id"], "customer_key": "acme", "currency": "USD",
        "reason": "Three days without service", "refund": "credit", "made_by": None, "subtotal": "33.33",
        "tax_total": "6.33", "total": "39.66", "applied": "39.66", "credited": "0.00", "refunded": "0.00",
        "issued_at": "2026-11-20T12:00:00Z",
        "lines": [{"line": invoice["lines"][0]["id"], "description": "Line 0", "amount": "33.33", "tax": "6.33"}],
    }
    after = again(books, invoice)
    assert sums(after) == ("open", "178.50", "39.66", "0.00", "138.84")
    assert after["lines"] == invoice["lines"]
    assert after["credit_notes"] == [{
        "id": note["id"], "number": "CRN-2026-000001", "total": "39.66", "applied": "39.66", "credited": "0.00",
        "refunded": "0.00", "issued_at": "2026-11-20T12:00:00Z",
    }]
    assert kinds(books)[-1] == (
        "credit_note", "2026-11-20", {"receivables": "-39.66", "revenue": "33.33", "tax_payable": "6.33"},
    )


def test_all_that_is_left_gives_back_the_total(books: Books) -> None:
    """Rule 20: net and tax to the last cent, in two notes, and then the invoice is settled and nothing is left."""
    taxed(books)
    invoice = two_lines(books, "0.14", "33.33", "7.77")
    first = credit(books, invoice, ["0.07", "11.11"])
    rest = credit(books, invoice)
    assert Decimal(first["total"]) + Decimal(rest["total"]) == Decimal(invoice["total"])
    assert Decimal(first["tax_total"]) + Decimal(rest["tax_total"]) == Decimal(invoice["tax_total"])
    after = again(books, invoice)
    assert sums(after) == ("paid", invoice["total"], invoice["total"], "0.00", "0.00")
    assert accounts(books) == {}
    answer = books.api.post("/v1/credit-notes", body(invoice))
    assert (answer.status_code, "nothing left" in (answer.json or {})["detail"]) == (409, True)


def test_what_had_been_paid_goes_to_the_balance_and_on_to_the_next_invoice(books: Books) -> None:
    """Rules 19 and 20: what is due is lowered first."""
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice, "70")
    assert went(credit(books, invoice, ["60"])) == ("60.00", "30.00", "30.00", "0.00")
    assert sums(again(books, invoice)) == ("paid", "100.00", "30.00", "70.00", "0.00")
    assert balance(books)[0]["amount"] == "30.00"
    assert accounts(books) == {"cash": Decimal("70.00"), "customer_credit": Decimal("-30.00"),
                               "revenue": Decimal("-40.00")}
    following = again(books, books.one_off("50"))
    assert sums(following) == ("open", "50.00", "30.00", "0.00", "20.00")
    assert balance(books)[0]["amount"] == "0.00"
    assert accounts(books)["receivables"] == Decimal("20.00")


def test_a_refund_gives_back_money_as_far_as_money_was_paid(books: Books) -> None:
    """Rule 20: what had been paid by credit goes to the balance."""
    books.customer()
    first = books.one_off("40")
    pay(books, first, "40")
    credit(books, first)
    second = books.one_off("100")
    pay(books, second, "60")
    note = credit(books, second, ["90"], refund="payment")
    assert went(note) == ("90.00", "0.00", "30.00", "60.00")
    assert sums(again(books, second)) == ("paid", "100.00", "100.00", "0.00", "0.00")
    assert balance(books)[0]["amount"] == "30.00"
    assert accounts(books)["cash"] == Decimal("40.00")


def test_inclusive_tax_is_given_back_as_it_was_in_the_price(books: Books) -> None:
    """Rules 19 and 20: lines are net with their tax; all of it is the price."""
    taxed(books, inclusive=True)
    invoice = two_lines(books, "119", "0.99")
    assert (invoice["lines"][0]["amount"], invoice["total"]) == ("100.00", "119.99")
    credit(books, invoice, ["50"])
    assert credit(books, invoice)["total"] == "60.49"
    assert sums(again(books, invoice))[0] == "paid"


def test_a_discounted_line_has_what_is_left_of_it(books: Books) -> None:
    """Rule 20: amounts are net, after discount."""
    books.customer()
    books.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "once"})
    books.api.made("/v1/customers/acme/coupons", {"coupon": "half"})
    invoice = books.one_off("100")
    answer = books.api.post("/v1/credit-notes", body(invoice, ["50.01"]))
    assert answer.status_code == 422
    assert credit(books, invoice)["total"] == "50.00"


@pytest.mark.parametrize(("change", "field"), [
    ({"lines": None}, "lines"), ({"amount": "all"}, "amount"), ({"amount": "10", "lines": None}, "amount"),
    ({"lines": []}, "lines"), ({"reason": None}, "reason"), ({"reason": ""}, "reason"), ({"refund": "cash"}, "refund"),
    ({"number": "CRN-2026-000009"}, "number"), ({"invoice": None}, "invoice"),
    ({"lines": [{"line": "{line}", "amount": "0"}]}, "lines[0].amount"),
    ({"lines": [{"line": "{line}", "amount": "-1"}]}, "lines[0].amount"),
    ({"lines": [{"line": "{line}", "amount": "1.001"}]}, "lines[0].amount"),
    ({"lines": [{"line": "{line}", "amount": "100.01"}]}, "lines[0].amount"),
    ({"lines": [{"line": "{line}", "amount": "1"}, {"line": "{line}", "amount": "1"}]}, "lines[1].line"),
    ({"lines": [{"line": "lin_nobody", "amount": "1"}]}, "lines[0].line"),
    ({"lines": [{"line": "{line}", "amount": "1", "tax": "0"}]}, "lines[0].tax"),
])
def test_an_unlawful_credit_note_is_refused(books: Books, change: Mapping[str, Any], field: str) -> None:
    """T13, T18: every field and rule by name, and nothing is stored."""
    books.customer()
    invoice = books.one_off("100")
    asked = {name: value for name, value in (body(invoice, ["1"]) | dict(change)).items() if value is not None}
    answer = books.api.post("/v1/credit-notes", loads(dumps(asked).replace("{line}", invoice["lines"][0]["id"])))
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert field in [error["field"] for error in (answer.json or {})["errors"]], answer.json
    assert books.api.every("/v1/credit-notes") == []
    assert books.api.get(f"/v1/invoices/{invoice['id']}").json == invoice


@pytest.mark.parametrize("state", ["draft", "void", "uncollectible"])
def test_only_an_open_or_a_paid_invoice_is_credited(books: Books, state: str) -> None:
    books.customer()
    invoice = books.one_off("100", finalize=state != "draft")
    if state != "draft":
        books.post(invoice, "void" if state == "void" else "write-off")
    answer = books.api.post("/v1/credit-notes", body(invoice))
    assert (answer.status_code, state in (answer.json or {})["detail"]) == (409, True)


def test_an_invoice_of_nothing_has_nothing_left(books: Books) -> None:
    books.customer()
    assert books.api.post("/v1/credit-notes", body(books.one_off("0"))).status_code == 409


def test_credit_notes_are_found_by_customer_invoice_and_number(books: Books) -> None:
    """And are their organisation's alone (T44)."""
    books.customer()
    books.customer("beta")
    first, second = books.one_off("100"), books.one_off("100", customer="beta")
    one, two, three = (credit(books, each, ["1"]) for each in (first, second, first))
    assert books.api.every("/v1/credit-notes") == [one, two, three]
    assert books.api.every("/v1/credit-notes?customer=beta") == [two]
    assert books.api.every(f"/v1/credit-notes?invoice={first['number']}") == [one, three]
    assert books.api.get(f"/v1/credit-notes/{two['id']}").json == two
    assert books.api.get(f"/v1/credit-notes/{two['number']}").json == two
    for path in ("/v1/credit-notes/crn_nobody", "/v1/credit-notes?customer=nobody", "/v1/credit-notes?invoice=none"):
        assert books.api.get(path).status_code == 404
    stranger = books.api.stranger()
    assert stranger.every("/v1/credit-notes") == []
    assert stranger.get(f"/v1/credit-notes/{one['id']}").status_code == 404
    assert stranger.post("/v1/credit-notes", body(first)).status_code == 404
    assert books.api.with_scopes("read").post("/v1/credit-notes", body(first)).status_code == 403


@pytest.mark.together
def test_revenue_that_is_deferred_is_never_released(books: Books) -> None:
    """Rule 22: 365.00 for a year from 1 November; a part, a release, and then all that is left."""
    books.customer_on(
        BASE | {"amount": "365.00"}, plan={"interval": "year"}, starts_at="2026-11-01T00:00:00Z", anchor="anniversary"
    )
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert accounts(books)["deferred_revenue"] == Decimal("-345.00")
    credit(books, invoice, ["73.00"])
    assert kinds(books)[-1][2] == {"receivables": "-73.00", "deferred_revenue": "69.00", "revenue": "4.00"}
    again(books, invoice)
    books.api.clock.to("2027-01-01T00:00:00Z")
    assert books.api.farthing[Releases].release_all() >= 2
    assert accounts(books)["revenue"] == Decimal("-48.80")  # 61 days of 0.80
    credit(books, invoice)
    assert accounts(books) == {}
    again(books, invoice)
    books.api.clock.to("2028-01-01T00:00:00Z")
    books.api.farthing[Releases].release_all()
    assert accounts(books) == {}


def test_a_written_off_invoice_takes_what_comes_in_all_the_same(books: Books) -> None:
    """Rule 22: against bad debt, and paid once all of it has."""
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice, "30")
    assert sums(books.post(invoice, "write-off")) == ("uncollectible", "100.00", "0.00", "30.00", "70.00")
    assert accounts(books) == {"cash": Decimal("30.00"), "bad_debt": Decimal("70.00"), "revenue": Decimal("-100.00")}
    assert books.api.post(f"/v1/invoices/{invoice['id']}/write-off").status_code == 409
    pay(books, invoice, "20")
    assert sums(again(books, invoice))[0] == "uncollectible"
    assert accounts(books)["bad_debt"] == Decimal("50.00")
    pay(books, invoice, "50")
    assert sums(again(books, invoice)) == ("paid", "100.00", "0.00", "100.00", "0.00")
    assert accounts(books) == {"cash": Decimal("100.00"), "revenue": Decimal("-100.00")}


@pytest.mark.parametrize("state", ["draft", "void", "paid"])
def test_only_an_open_invoice_is_written_off(books: Books, state: str) -> None:
    books.customer()
    invoice = books.one_off("0" if state == "paid" else "100", finalize=state != "draft")
    if state == "void":
        books.post(invoice, "void")
    answer = books.api.post(f"/v1/invoices/{invoice['id']}/write-off")
    assert (answer.status_code, state in (answer.json or {})["detail"]) == (409, True)


def test_voiding_frees_the_credit_that_an_invoice_had_taken(books: Books) -> None:
    """Rule 20: the next invoice takes it."""
    books.customer()
    paid = books.one_off("40")
    pay(books, paid, "40")
    credit(books, paid)
    invoice = books.one_off("100")
    assert sums(books.post(invoice, "void")) == ("void", "100.00", "0.00", "0.00", "100.00")
    assert balance(books)[0]["amount"] == "40.00"
    assert sums(again(books, books.one_off("10"))) == ("paid", "10.00", "10.00", "0.00", "0.00")
    assert balance(books)[0]["amount"] == "30.00"


def test_an_invoice_that_was_credited_or_paid_is_not_voided(books: Books) -> None:
    """Rule 20: the refusal names what stands against it."""
    books.customer()
    credited, paid = books.one_off("40"), books.one_off("40")
    number = credit(books, credited, ["1"])["number"]
    pay(books, paid, "1")
    for invoice, why in ((credited, f"credit note {number} stands on it"), (paid, "has payments")):
        answer = books.api.post(f"/v1/invoices/{invoice['id']}/void")
        assert (answer.status_code, why in (answer.json or {})["detail"]) == (409, True), answer.json


def test_a_balance_keeps_the_customer_and_its_currency(books: Books) -> None:
    """Rule 23."""
    books.customer()
    invoice = books.one_off("40")
    pay(books, invoice, "40")
    assert books.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 200
    assert books.api.patch("/v1/customers/acme", {"currency": "USD"}).status_code == 200
    credit(books, invoice)
    answer = books.api.patch("/v1/customers/acme", {"currency": "EUR"})
    assert (answer.status_code, "it has a balance" in (answer.json or {})["detail"]) == (409, True)
    assert books.api.delete("/v1/customers/acme").status_code == 409


@pytest.mark.together
def test_the_exported_journal_tells_of_what_was_given_back(books: Books, tmp_path: Path) -> None:
    """Rules 21 and 22: in words, with the series of credit notes, and Beancount's own checker accepts it."""
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice, "70")
    credit(books, invoice, ["60"])
    books.one_off("10")
    books.post(books.one_off("50"), "write-off")
    text = export(books.api, "?format=beancount")
    told = ("Credit note on INV-2026-000001", "Credit set against INV-2026-000002", "INV-2026-000003 written off")
    assert all(f'"{words}"' in text for words in told)
    assert "; Series CRN-2026: 000001 to 000001, missing: none" in text
    (tmp_path / "journal.beancount").write_text(text, "utf-8")
    checked = subprocess.run([BEAN_CHECK, tmp_path / "journal.beancount"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.together
def test_who_gave_it_back_is_in_the_audit_log(books: Books) -> None:
    books.customer()
    note = credit(books, books.one_off("100"), reason="Kindness")
    [made] = changes(books, note["id"])
    assert (made.call, made.object, made.before) == ("POST /v1/credit-notes", "credit_notes", None)
    assert made.after is not None
    assert (made.after["number"], made.after["reason"], made.after["total"]) == (note["number"], "Kindness", 10000)


def test_a_repeated_request_gives_back_once(books: Books) -> None:
    """The first answer again, and one note."""
    books.customer()
    invoice = books.one_off("100")
    first, second = (
        books.api.post("/v1/credit-notes", body(invoice, ["10"]), headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert first.headers["Location"] == f"/v1/credit-notes/{(first.json or {})['id']}"
    assert len(books.api.every("/v1/credit-notes")) == 1


def test_money_that_a_credit_note_gave_back_is_not_refunded_again(books: Books) -> None:
    """Rule 20: nor the other way round."""
    books.customer()
    invoice = books.one_off("100")
    pay(books, invoice, "100")
    [payment] = books.api.every("/v1/payments")
    credit(books, invoice, ["70"], refund="payment")
    path = f"/v1/payments/{payment['id']}/refund"
    assert books.api.post(path, {"amount": "31.00"}).status_code == 409
    books.api.made(path, {"amount": "30.00"})
    assert sums(again(books, invoice)) == ("open", "100.00", "70.00", "0.00", "30.00")
    assert went(credit(books, invoice, refund="payment")) == ("30.00", "30.00", "0.00", "0.00")
    assert accounts(books) == {}
    again(books, invoice)
