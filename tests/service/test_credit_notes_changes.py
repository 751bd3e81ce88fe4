"""Credit notes beside the credits of changes: together they never give back more than a line has (rules 14 and 20)."""

from typing import Any

import pytest

from farthing.billing.journal.releasing import Releases
from tests.service.books import BASE, Books
from tests.service.test_balances import balance
from tests.service.test_credit_notes import again, body, credit, sums, went
from tests.service.test_journal import accounts

pytestmark = pytest.mark.books


@pytest.fixture
def changed(books: Books) -> tuple[Books, dict[str, Any], dict[str, Any]]:
    """November at 10.00, and on its 20th another plan at 40.00: an invoice of -3.67 and 14.67 of its own."""
    books.plan(BASE)
    books.plan(BASE | {"amount": "40.00"}, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    [first] = books.billed("2026-11-20T00:00:00Z")
    books.api.made("/v1/subscriptions/main/change", {"plan": "big", "at": "now", "invoice": "now"})
    own = books.invoices()[-1]
    assert [line["amount"] for line in own["lines"]] == ["-3.67", "14.67"]
    return books, first, own


Changed = tuple[Books, dict[str, Any], dict[str, Any]]


def test_what_a_change_gave_back_is_not_left(changed: Changed) -> None:
    """Rule 20: everything is what is left; then nothing is."""
    books, first, _ = changed
    assert books.api.post("/v1/credit-notes", body(first, ["6.34"])).status_code == 422
    assert credit(books, first)["total"] == "6.33"
    assert sums(again(books, first)) == ("open", "10.00", "6.33", "0.00", "3.67")
    assert books.api.post("/v1/credit-notes", body(first)).status_code == 409


def test_what_was_paid_by_a_credit_line_goes_to_the_balance(changed: Changed) -> None:
    """Rule 20: 14.67 of an invoice of 11.00; and the credit itself is none to be given back."""
    books, _, own = changed
    answer = books.api.post("/v1/credit-notes", body(own, ["1"]))
    assert (answer.status_code, (answer.json or {})["errors"][0]["field"]) == (422, "lines[0].line")
    assert went(credit(books, own)) == ("14.67", "11.00", "3.67", "0.00")
    assert sums(again(books, own)) == ("paid", "11.00", "11.00", "0.00", "0.00")
    assert balance(books)[0]["amount"] == "3.67"


def test_an_invoice_that_a_later_one_corrects_is_voided_after_that_one(changed: Changed) -> None:
    """Rule 20: the refusal names it."""
    books, first, own = changed
    answer = books.api.post(f"/v1/invoices/{first['id']}/void")
    assert (answer.status_code, f"invoice {own['number']} corrects it" in (answer.json or {})["detail"]) == (409, True)
    books.post(own, "void")
    assert books.post(first, "void")["status"] == "void"
    again(books, first)


@pytest.mark.together
def test_nothing_is_deferred_for_good_once_all_is_given_back(changed: Changed) -> None:
    """Rule 22: of both invoices, with what the change had given back in advance."""
    books, first, own = changed
    credit(books, own)
    credit(books, first)
    again(books, own)
    books.api.clock.to("2026-12-02T00:00:00Z")
    books.api.farthing[Releases].release_all()
    found = accounts(books)
    assert found.keys() == {"receivables", "customer_credit"}
    assert sum(found.values()) == 0
