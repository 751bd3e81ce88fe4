"""Coupons from the catalogue to the invoice (rule 19)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, SUPPORT, Books
from tests.service.conftest import Api

pytestmark = pytest.mark.books

TENTH: dict[str, Any] = {"key": "tenth", "name": "A tenth off", "percent": "10", "duration": "forever"}
TWO_OFF: dict[str, Any] = {
    "key": "two", "name": "Two off", "amount": "2.00", "currency": "USD", "duration": "once",
}


def refused(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return [error["field"] for error in (answer.json or {})["errors"]]


def taken(invoices: list[dict[str, Any]]) -> list[str]:
    return [invoice["discount_total"] for invoice in invoices]


def test_a_coupon_says_all_that_the_interface_promises(api: Api) -> None:
    made = api.made("/v1/coupons", TWO_OFF | {"applies_to": ["base"], "max_redemptions": 5})
    assert made == {
        "id": made["id"], "key": "two", "name": "Two off", "amount": "2.00", "currency": "USD", "duration": "once",
        "applies_to": ["base"], "redeem_by": None, "max_redemptions": 5, "redemptions": 0, "version": 1,
        "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
    }
    assert api.get("/v1/coupons/two").json == api.get(f"/v1/coupons/{made['id']}").json == made
    several = api.made("/v1/coupons", TENTH | {"duration": {"invoices": 3}, "percent": "12.5"})
    assert (several["duration"], several["percent"]) == ({"invoices": 3}, "12.5")
    assert api.every("/v1/coupons") == [made, several]
    assert api.post("/v1/coupons", TENTH).status_code == 409


@pytest.mark.parametrize(("change", "field"), [
    ({"percent": "101"}, "percent"), ({"percent": "0"}, "percent"), ({"percent": "-0"}, "percent"),
    ({"percent": "-1"}, "percent"), ({"percent": None}, "percent"), ({"amount": "1.00", "currency": "USD"}, "amount"),
    ({"currency": "USD"}, "currency"), ({"percent": None, "amount": "1.00"}, "currency"),
    ({"percent": None, "amount": "1.234", "currency": "USD"}, "amount"),
    ({"percent": None, "amount": "12.30", "currency": "JPY"}, "amount"),
    ({"percent": None, "amount": "1.00", "currency": "usd"}, "currency"),
    ({"percent": None, "amount": "-1.00", "currency": "USD"}, "amount"), ({"duration": "twice"}, "duration"),
    ({"duration": {"invoices": 0}}, "duration.invoices"), ({"duration": {}}, "duration.invoices"),
    ({"duration": None}, "duration"),
    ({"max_redemptions": 0}, "max_redemptions"), ({"redeem_by": "soon"}, "redeem_by"),
    ({"redemptions": 1}, "redemptions"),
    ({"applies_to": "base"}, "applies_to"), ({"key": "cpn_1"}, "key"), ({"surprise": 1}, "surprise"),
])
def test_an_unlawful_coupon_is_refused(api: Api, change: dict[str, Any], field: str) -> None:
    """T13, T14, T45: every field and rule by name."""
    sent = {name: value for name, value in (TENTH | change).items() if value is not None}
    assert field in refused(api.post("/v1/coupons", sent))
    assert api.every("/v1/coupons") == []


def test_what_may_still_change_of_a_coupon_does(books: Books) -> None:
    made = books.api.made("/v1/coupons", TENTH | {"max_redemptions": 2})
    path = "/v1/coupons/tenth"
    patch = {"name": "Ten", "max_redemptions": None, "redeem_by": "2027-01-01T00:00:00Z"}
    changed = books.api.patch(path, patch, headers={"If-Match": '"1"'}).json or {}
    assert changed == made | patch | {"version": 2}
    assert books.api.patch(path, {"name": "X"}, headers={"If-Match": '"1"'}).status_code == 412
    for field, value in (("percent", "20"), ("duration", "once"), ("applies_to", ["base"]), ("key", "other")):
        assert refused(books.api.patch(path, {field: value})) == [field]
    books.customer_on(BASE, coupons=["tenth"])
    assert refused(books.api.patch(path, {"max_redemptions": 0})) == ["max_redemptions"]
    assert books.api.delete(path).status_code == 409
    books.api.made("/v1/coupons", TWO_OFF)
    assert books.api.delete("/v1/coupons/two").status_code == 204
    assert books.api.get("/v1/coupons/two").status_code == 404


def test_a_coupon_lasts_for_as_many_invoices_as_it_says(books: Books) -> None:
    """It counts the invoices that it took something from, also within one run."""
    books.api.made("/v1/coupons", TENTH | {"duration": {"invoices": 2}})
    subscription = books.customer_on(BASE, starts_at="2026-08-01T00:00:00Z", coupons=["tenth"])
    assert subscription["coupon_keys"] == ["tenth"]
    assert taken(books.billed("2026-11-20T00:00:00Z")) == ["1.00", "1.00", "0.00", "0.00"]
    [line] = books.invoices()[0]["lines"]
    assert (line["amount"], line["discount"]) == ("10.00", "1.00")


def test_an_invoice_that_gives_it_nothing_to_take_from_does_not_count(books: Books) -> None:
    """The coupon is for calls, and there were none in September (rule 19)."""
    books.api.made("/v1/coupons", TENTH | {"duration": "once", "applies_to": ["calls"]})
    books.customer_on(BASE, CALLS, starts_at="2026-09-01T00:00:00Z", coupons=["tenth"])
    books.use("1", "2026-10-07T12:00:00Z", "50")
    invoices = books.billed("2026-11-20T00:00:00Z")
    assert taken(invoices) == ["0.00", "0.00", "0.50"]
    assert [(line["price"], line["discount"]) for line in invoices[2]["lines"]] == [("calls", "0.50"), ("base", "0.00")]


def test_the_subscriptions_coupons_come_before_the_customers(books: Books) -> None:
    """10.00 less a tenth is 9.00, less 2.00 is 7.00; the other way round it would be 7.20 (rule 19)."""
    books.api.made("/v1/coupons", TENTH)
    books.api.made("/v1/coupons", TWO_OFF)
    subscription = books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    given = books.api.made("/v1/customers/acme/coupons", {"coupon": "two"})
    assert (given["customer_key"], given["coupon_key"]) == ("acme", "two")
    shown = books.post_subscription(subscription, "coupons", {"coupon": "tenth"})
    assert shown["coupon_keys"] == ["tenth"]
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert (invoice["discount_total"], invoice["total"]) == ("3.00", "7.00")


def test_the_rest_of_an_amount_is_lost(books: Books) -> None:
    """T17: never below zero; an invoice with nothing due is numbered and paid (rule 26)."""
    books.api.made("/v1/coupons", TWO_OFF | {"key": "big", "amount": "25.00", "duration": {"invoices": 2}})
    books.customer_on(BASE, starts_at="2026-09-01T00:00:00Z", coupons=["big"])
    invoices = books.billed("2026-11-20T00:00:00Z")
    assert [(one["total"], one["status"]) for one in invoices] == [
        ("0.00", "paid"), ("0.00", "paid"), ("10.00", "open"),
    ]


def test_a_discount_is_shared_over_the_lines(books: Books) -> None:
    """2.00 over 10.00 and 5.00 is 1.33 and 0.67 (rule 3)."""
    books.api.made("/v1/coupons", TWO_OFF)
    books.customer_on(BASE, SUPPORT, starts_at="2026-09-01T00:00:00Z")
    books.billed("2026-09-20T00:00:00Z")
    books.api.made("/v1/customers/acme/coupons", {"coupon": "two"})
    [invoice] = books.billed("2026-10-20T00:00:00Z")
    assert [(line["price"], line["discount"]) for line in invoice["lines"]] == [("support", "0.67"), ("base", "1.33")]


def test_customers_coupons_work_on_one_off_invoices(books: Books) -> None:
    books.customer()
    books.api.made("/v1/coupons", TENTH)
    books.api.made("/v1/coupons", TWO_OFF | {"applies_to": ["base"]})
    for key in ("tenth", "two"):
        books.api.made("/v1/customers/acme/coupons", {"coupon": key})
    draft = books.one_off("50", finalize=False)
    assert draft["discount_total"] == "5.00"  # a line without a price is none that `two` applies to
    assert books.post(draft, "finalize")["total"] == "45.00"


@pytest.mark.parametrize("back", ["void", "delete"])
def test_an_invoice_taken_back_gives_the_coupon_back(books: Books, back: str) -> None:
    """Voiding frees the coupons' use, and so does dropping a draft (rule 20)."""
    books.customer()
    books.api.made("/v1/coupons", TWO_OFF)
    books.api.made("/v1/customers/acme/coupons", {"coupon": "two"})
    first = books.one_off("50", finalize=back == "void")
    assert taken([first, books.one_off("50")]) == ["2.00", "0.00"]
    if back == "void":
        voided = books.post(first, "void", {})
        assert (voided["status"], voided["discount_total"]) == ("void", "2.00")
    else:
        assert books.api.delete(f"/v1/invoices/{first['id']}").status_code == 204
    assert taken([books.one_off("50"), books.one_off("50")]) == ["2.00", "0.00"]


def test_a_draft_keeps_its_coupon_when_it_is_made_again(books: Books) -> None:
    books.api.made("/v1/coupons", TWO_OFF)
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z", coupons=["two"])
    [draft] = books.billed("2026-11-01T00:30:00Z")
    assert (draft["status"], draft["discount_total"]) == ("draft", "2.00")
    assert books.billed("2026-11-01T00:30:00Z") == []  # it says the same
    final = books.post(draft, "finalize")
    assert (final["discount_total"], final["total"]) == ("2.00", "8.00")
    assert taken(books.billed("2026-11-20T00:00:00Z")) == []


def test_an_invoice_billed_anew_takes_the_coupon_again(books: Books) -> None:
    """Voiding frees the use, and the next run bills the freed period with it (rule 20)."""
    books.api.made("/v1/coupons", TWO_OFF)
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z", coupons=["two"])
    [first] = books.billed("2026-11-20T00:00:00Z")
    books.post(first, "void", {})
    [again] = books.billed("2026-11-20T00:00:00Z")
    assert (first["total"], again["total"]) == ("8.00", "8.00")
    sound_books(books.api.farthing, books.api.organization)


def test_the_next_invoice_is_told_with_the_coupon_its_draft_has(books: Books) -> None:
    books.api.made("/v1/coupons", TWO_OFF)
    one = books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z", coupons=["two"])
    for _ in range(2):  # before the draft, and beside it
        told = books.api.get(f"/v1/subscriptions/{one['id']}/upcoming-invoice").json or {}
        assert (told["discount_total"], told["total"]) == ("2.00", "8.00")
        books.run("2026-11-01T00:30:00Z")


def test_a_draft_takes_what_the_customer_was_given_meanwhile(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    [draft] = books.billed("2026-11-01T00:30:00Z")
    books.api.made("/v1/coupons", TENTH)
    books.api.made("/v1/customers/acme/coupons", {"coupon": "tenth"})
    assert books.post(draft, "finalize")["total"] == "9.00"


def test_a_coupon_is_given_only_while_it_may_be(books: Books) -> None:
    """After `redeem_by`, beyond `max_redemptions`, or in another currency: 422, and nothing is counted."""
    api = books.api
    for key in ("acme", "other"):
        books.customer(key)
    api.made("/v1/coupons", TENTH | {"redeem_by": "2026-11-20T12:00:00Z", "max_redemptions": 1})
    api.made("/v1/coupons", TWO_OFF | {"currency": "EUR"})
    assert refused(api.post("/v1/customers/acme/coupons", {"coupon": "two"})) == ["coupon"]
    assert api.post("/v1/customers/acme/coupons", {"coupon": "none"}).status_code == 404
    assert api.post("/v1/customers/nobody/coupons", {"coupon": "tenth"}).status_code == 404
    assert refused(api.post("/v1/customers/acme/coupons", {})) == ["coupon"]
    api.made("/v1/customers/acme/coupons", {"coupon": "tenth"})
    assert refused(api.post("/v1/customers/other/coupons", {"coupon": "tenth"})) == ["coupon"]
    api.patch("/v1/coupons/tenth", {"max_redemptions": 2})
    assert api.post("/v1/customers/acme/coupons", {"coupon": "tenth"}).status_code == 409
    api.clock.to("2026-11-20T12:00:01Z")
    assert refused(api.post("/v1/customers/other/coupons", {"coupon": "tenth"})) == ["coupon"]
    given = api.get("/v1/coupons/tenth").json or {}
    assert (given["redemptions"], given["version"]) == (1, 3)  # made, given and changed: each has another ETag
    assert (api.get("/v1/coupons/two").json or {})["redemptions"] == 0


def test_a_subscription_with_a_coupon_too_many_is_not_made(books: Books) -> None:
    books.api.made("/v1/coupons", TENTH | {"max_redemptions": 1})
    books.customer_on(BASE, coupons=["tenth"])
    books.customer("other")
    sent = books.subscription(customer="other", coupons=["tenth"])
    assert refused(books.api.post("/v1/subscriptions", sent)) == ["coupons[0]"]
    assert books.api.every("/v1/subscriptions?customer=other") == []
    assert books.api.post("/v1/subscriptions", sent | {"coupons": ["none"]}).status_code == 404


def test_many_at_once_redeem_no_more_than_there_are(books: Books) -> None:
    """The database decides who was in time."""
    books.api.made("/v1/coupons", TENTH | {"max_redemptions": 3})
    for number in range(8):
        books.customer(f"c{number}")

    def give(number: int) -> int:
        caller = books.api.farthing_client()
        return caller.post(f"/v1/customers/c{number}/coupons", {"coupon": "tenth"}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(give, range(8)))
    assert answers == [200] * 3 + [422] * 5
    assert (books.api.get("/v1/coupons/tenth").json or {})["redemptions"] == 3


def test_invoices_made_at_once_use_a_coupon_once(books: Books) -> None:
    """Its uses are counted by one transaction at a time."""
    books.customer()
    books.api.made("/v1/coupons", TWO_OFF)
    books.api.made("/v1/customers/acme/coupons", {"coupon": "two"})
    line = {"description": "Setup", "quantity": "1", "unit_amount": "50"}

    def draft(number: int) -> str:
        body = {"customer": "acme", "currency": "USD", "lines": [line]}
        return str(books.api.farthing_client().made("/v1/invoices", body)["discount_total"])

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(draft, range(6))) == ["0.00"] * 5 + ["2.00"]
