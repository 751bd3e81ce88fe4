"""Changes of plan, quantity and prices in mid-period, pauses, and ends that were not known (rules 13 to 15)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, SEATS, SUPPORT, Books, lines

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing

BIG: dict[str, Any] = BASE | {"amount": "40.00"}


@pytest.fixture(autouse=True)
def sound(books: Books) -> Iterator[None]:
    """Whatever was done, the books end sound."""
    yield
    sound_books(books.api.farthing, books.api.organization)


@pytest.fixture
def november(books: Books) -> Books:
    """A customer whose November is billed: ten a month in advance, calls at ten cents; and a plan four times dearer."""
    books.meter()
    books.plan(BASE, CALLS)
    books.plan(BIG, CALLS | {"unit_amount": "0.05"}, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    return books


def change(books: Books, verb: str = "change", **body: Any) -> dict[str, Any]:
    return books.api.made(f"/v1/subscriptions/main/{verb}", body)


def december(books: Books) -> dict[str, Any]:
    books.api.clock.to("2026-12-02T00:00:00Z")
    [invoice] = books.billed("2026-12-02T00:00:00Z")
    return invoice


def told(invoice: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return lines(invoice)


def test_another_plan_gives_back_the_days_that_are_left_and_charges_them_anew(november: Books) -> None:
    """And splits the usage (rule 14): of November's 30 days 11 are left on the 20th."""
    november.use("1", "2026-11-10T00:00:00Z", "10")
    november.use("2", "2026-11-20T00:00:00Z", "10")
    changed = change(november, plan="big", at="now")
    assert (changed["plan_key"], changed["changes"][0]["at"]) == ("big", "2026-11-20T00:00:00Z")
    first = november.invoices()[0]
    invoice = december(november)
    assert told(invoice) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-11-20"),
        ("usage", "calls", "0.50", "2026-11-20", "2026-12-01"),
        ("fee", "base", "40.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-3.67", "2026-11-20", "2026-12-01"),
        ("fee", "base", "14.67", "2026-11-20", "2026-12-01"),
    ]
    assert invoice["lines"][3]["corrects"] == {"invoice": first["id"], "line": first["lines"][0]["id"]}
    assert invoice["total"] == "52.50"


def test_a_change_and_its_reverse_on_one_day_cost_nothing(november: Books) -> None:
    """Five times up and down (T20)."""
    for _ in range(5):
        change(november, plan="big", at="now")
        change(november, plan="pro", at="now")
    assert told(december(november)) == [("fee", "base", "10.00", "2026-12-01", "2027-01-01")]


def test_a_change_may_have_an_invoice_of_its_own(november: Books) -> None:
    """Finalised with it, without a boundary and without usage (rule 14)."""
    november.use("1", "2026-11-10T00:00:00Z", "10")
    change(november, plan="big", at="now", invoice="now")
    own = november.invoices()[-1]
    assert (own["status"], own["boundary"], own["total"]) == ("open", None, "11.00")
    assert [line["reason"] for line in own["lines"]] == ["proration", "fee"]
    assert [line[:3] for line in told(december(november))] == [
        ("usage", "calls", "1.00"), ("fee", "base", "40.00"),
    ]


def test_a_plan_that_was_billed_and_then_replaced_on_its_day_is_given_back(november: Books) -> None:
    """The last change of a day holds for all of it; what an earlier one was billed is known by its line (rule 13)."""
    november.plan(BASE | {"amount": "25.00"}, key="third")
    change(november, plan="big", at="now", invoice="now")
    change(november, plan="third", at="now")
    assert told(december(november)) == [
        ("fee", "base", "25.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-14.67", "2026-11-20", "2026-12-01"),
        ("fee", "base", "9.17", "2026-11-20", "2026-12-01"),
    ]


def test_a_change_at_the_end_of_the_period_costs_nothing_more(november: Books) -> None:
    change(november, plan="big", at="period_end")
    assert told(december(november)) == [("fee", "base", "40.00", "2026-12-01", "2027-01-01")]


def test_quantities_change_by_the_day(books: Books) -> None:
    """The first invoice is not finalised yet: it charges each stretch of days as it was (rule 14)."""
    books.plan(SEATS)
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", quantities={"seats": "3"})
    change(books, quantities={"seats": "6"}, at="2026-11-11T00:00:00Z")
    [first] = books.billed("2026-11-20T00:00:00Z")
    assert told(first) == [
        ("fee", "seats", "2.50", "2026-11-01", "2026-11-11"), ("fee", "seats", "10.00", "2026-11-11", "2026-12-01"),
    ]
    change(books, quantities={"seats": "4"}, at="now")
    assert told(december(books)) == [
        ("fee", "seats", "10.00", "2026-12-01", "2027-01-01"),
        ("proration", "seats", "-5.50", "2026-11-20", "2026-12-01"),
        ("fee", "seats", "3.67", "2026-11-20", "2026-12-01"),
    ]


def test_a_pause_gives_back_whole_days_and_keeps_its_usage(november: Books) -> None:
    """From the end of its day to the beginning of another; the boundaries do not move (rule 15)."""
    november.use("1", "2026-11-20T23:59:59Z", "10")
    november.use("2", "2026-11-21T00:00:00Z", "100")
    paused = change(november, "pause", at="now")
    assert (paused["status"], paused["pauses"]) == ("active", [{"from": "2026-11-21T00:00:00Z", "to": None}])
    november.api.clock.to("2026-11-25T12:00:00Z")
    assert (november.api.get("/v1/subscriptions/main").json or {})["status"] == "paused"
    assert [one["key"] for one in november.api.every("/v1/subscriptions?status=paused")] == ["main"]
    assert change(november, "resume", at="now")["status"] == "active"
    assert told(december(november)) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-12-01"),
        ("fee", "base", "10.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-1.33", "2026-11-21", "2026-11-25"),
    ]


def test_a_resumption_on_the_day_of_its_pause_undoes_it(november: Books) -> None:
    change(november, "pause", at="now")
    assert change(november, "resume", at="now")["pauses"] == []
    assert told(december(november)) == [("fee", "base", "10.00", "2026-12-01", "2027-01-01")]


def test_a_change_of_the_first_day_holds_from_the_start(books: Books) -> None:
    """Nothing was billed by the first plan: its interval and its amounts have no day (rules 13 and 14)."""
    books.meter()
    books.plan(BASE, CALLS)
    books.plan(BASE | {"amount": "7.00"}, CALLS, key="weekly", interval="week")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-11T00:00:00Z", anchor="anniversary")
    changed = change(books, plan="weekly", at="2026-11-11T00:00:00Z")
    assert changed["current_period"] == {"from": "2026-11-11T00:00:00Z", "to": "2026-11-18T00:00:00Z"}
    change(books, plan="pro", at="2026-11-22T00:00:00Z")
    books.api.clock.to("2026-11-23T00:00:00Z")
    assert [told(one) for one in books.billed("2026-11-23T00:00:00Z")] == [
        [("fee", "base", "7.00", "2026-11-11", "2026-11-18")],
        [("fee", "base", "4.00", "2026-11-18", "2026-11-22")],
        [("fee", "base", "10.00", "2026-11-22", "2026-12-22")],
    ]


def test_another_interval_ends_the_period_and_starts_a_new_one(november: Books) -> None:
    november.plan(BASE | {"amount": "365.00"}, key="yearly", interval="year", usage_interval="month")
    november.use("1", "2026-11-10T00:00:00Z", "10")
    change(november, plan="yearly", at="now")
    november.api.clock.to("2026-11-21T00:00:00Z")
    [invoice] = november.billed("2026-11-21T00:00:00Z")
    assert told(invoice) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-11-20"),
        ("fee", "base", "42.00", "2026-11-20", "2027-01-01"),
        ("proration", "base", "-3.67", "2026-11-20", "2026-12-01"),
    ]


def test_an_end_gives_back_what_was_paid_for_in_advance(books: Books) -> None:
    """As far as the last invoice can bear it (rules 13 and 14)."""
    books.plan(BASE, SUPPORT | {"amount": "31.00"})
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    assert change(books, "cancel", at="now")["ends_at"] == "2026-11-21T00:00:00Z"
    books.api.clock.to("2026-11-22T00:00:00Z")
    [last] = books.billed("2026-11-22T00:00:00Z")
    assert told(last) == [
        ("fee", "support", "20.67", "2026-11-01", "2026-11-21"),
        ("proration", "base", "-3.33", "2026-11-21", "2026-12-01"),
    ]
    assert books.api.post("/v1/subscriptions/main/uncancel").status_code == 409


def test_what_no_invoice_can_bear_becomes_a_credit_note(books: Books) -> None:
    """On the invoice that charged it, when the boundary is closed; what was paid goes to the balance."""
    books.plan(BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    [first] = books.billed("2026-11-20T00:00:00Z")
    paid = {"invoice": first["id"], "amount": "10.00", "currency": "USD", "method": "transfer", "reference": "1"}
    books.api.made("/v1/payments", paid)
    change(books, "cancel", at="now")
    books.api.clock.to("2026-11-22T00:00:00Z")
    assert books.billed("2026-11-22T00:00:00Z") == []
    [note] = books.api.every("/v1/credit-notes")
    assert (note["invoice"], note["number"], note["total"]) == (first["id"], "CRN-2026-000001", "3.33")
    [balance] = (books.api.get("/v1/customers/acme/balance").json or {})["data"]
    assert (balance["currency"], balance["amount"]) == ("USD", "3.33")
    assert books.billed("2026-11-22T00:00:00Z") == []


def test_an_end_that_is_withdrawn_charges_the_days_again(november: Books) -> None:
    """Of a fee that was shortened to the end that was known (rule 13)."""
    change(november, "cancel", at="2026-12-10T12:00:00Z")
    first = december(november)
    assert told(first) == [("fee", "base", "3.23", "2026-12-01", "2026-12-11")]
    change(november, "uncancel")
    november.api.clock.to("2027-01-02T00:00:00Z")
    [january] = november.billed("2027-01-02T00:00:00Z")
    assert told(january) == [
        ("fee", "base", "10.00", "2027-01-01", "2027-02-01"), ("fee", "base", "6.77", "2026-12-11", "2027-01-01"),
    ]


def test_a_credit_is_less_the_discount_that_its_line_had(books: Books) -> None:
    """And so is the charge that takes its place, which counts for no coupon (rule 14)."""
    books.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "once"})
    books.plan(BASE)
    books.plan(BIG, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", coupons=["half"])
    books.billed("2026-11-20T00:00:00Z")
    change(books, plan="big", at="now")
    invoice = december(books)
    assert [(line["amount"], line["discount"]) for line in invoice["lines"]] == [
        ("40.00", "0.00"), ("-1.83", "0.00"), ("14.67", "7.34"),
    ]


@pytest.mark.parametrize("how", ["coupon", "credit", "note", "small"])
def test_a_fee_of_which_nothing_is_left_is_charged_anew_where_it_changes(books: Books, how: str) -> None:
    """Its days are given back, though no invoice shows that they were worth nothing (rule 14)."""
    everything = {"key": "all", "name": "All", "percent": "100", "duration": "once"}
    books.api.made("/v1/coupons", everything)
    books.plan(BASE | ({"amount": "0.01"} if how == "small" else {}))
    books.plan(BIG, key="big")
    books.customer()
    if how == "credit":
        wallet = books.api.made("/v1/wallets", {"customer": "acme", "currency": "USD", "name": "Credit"})
        books.api.made(f"/v1/wallets/{wallet['id']}/top-ups", {"amount": "10.00", "kind": "granted"})
    coupons = ["all"] if how == "coupon" else []
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", coupons=coupons)
    [first] = books.billed("2026-11-20T00:00:00Z")
    if how == "note":
        books.api.made("/v1/credit-notes", {"invoice": first["id"], "amount": "all", "reason": "Kindness"})
    change(books, plan="big", at="now")
    change(books, plan="pro", at="2026-11-25T00:00:00Z", invoice="now")
    books.api.clock.to("2026-11-26T00:00:00Z")
    books.run("2026-11-26T00:00:00Z")
    charged = "0.00" if how in ("coupon", "credit") else "6.67"
    invoices = [*books.invoices(), december(books)]
    assert sum(Decimal(one["total"]) for one in invoices[1:-1]) == Decimal(charged), invoices[1:]
    assert [line[:2] for line in told(invoices[-1])] == [("fee", "base")]


def test_a_credit_bears_the_tax_of_its_line(books: Books) -> None:
    """Not that of today (rule 14)."""
    rate = {"key": "vat", "name": "VAT", "percent": "10", "country": "DE"}
    books.api.made("/v1/tax-rates", rate)
    books.plan(BASE)
    books.plan(BIG, key="big")
    books.customer(address={"country": "DE"})
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    books.api.made("/v1/tax-rates", rate | {"key": "new", "percent": "20", "country": "FR"})
    assert books.api.patch("/v1/customers/acme", {"address": {"country": "FR"}}).status_code == 200
    change(books, plan="big", at="now")
    invoice = december(books)
    assert [(tax["rate_key"], tax["taxable"], tax["amount"]) for tax in invoice["taxes"]] == [
        ("new", "54.67", "10.93"), ("vat", "-3.67", "-0.37"),
    ]


def test_a_fee_without_prorate_is_never_given_back(books: Books) -> None:
    """It is charged whole for each period in which it has a day; a change of it counts from the next (rule 13)."""
    setup = BASE | {"key": "setup", "amount": "7.00", "prorate": False}
    books.plan(BASE, setup)
    books.plan(BIG, setup | {"amount": "9.00"}, key="big")
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    change(books, plan="big", at="now")
    change(books, plan="pro", at="2026-11-25T00:00:00Z")
    amounts = [line[1:3] for line in told(december(books))]
    assert amounts == [
        ("base", "10.00"), ("setup", "7.00"), ("base", "-1.67"), ("base", "6.67"),
    ]


def test_a_yearly_fee_is_changed_at_once_by_an_invoice_of_its_own(books: Books) -> None:
    """Because the next boundary is more than 31 days away (rule 14)."""
    books.plan(BASE | {"amount": "365.00"}, interval="year")
    books.plan(BASE | {"amount": "730.00"}, key="big", interval="year")
    books.customer()
    books.subscribe(key="main", starts_at="2026-01-01T00:00:00Z")
    books.billed("2026-11-20T00:00:00Z")
    change(books, plan="big", at="now")
    own = books.invoices()[-1]
    assert told(own) == [
        ("proration", "base", "-42.00", "2026-11-20", "2027-01-01"),
        ("fee", "base", "84.00", "2026-11-20", "2027-01-01"),
    ]
    change(books, plan="pro", at="2026-12-01T00:00:00Z")
    assert len(books.invoices()) == 2
    books.api.clock.to("2027-01-02T00:00:00Z")
    [january] = books.billed("2027-01-02T00:00:00Z")
    assert [line[2] for line in told(january)] == ["365.00", "-62.00", "31.00"]


def test_the_same_amount_for_another_interval_is_another_fee(november: Books) -> None:
    """Ten a year are not ten a month."""
    november.plan(BASE, CALLS, key="yearly", interval="year", usage_interval="month")
    change(november, plan="yearly", at="2026-11-20T00:00:00Z")
    november.api.clock.to("2026-11-21T00:00:00Z")
    [invoice] = november.billed("2026-11-21T00:00:00Z")
    assert told(invoice) == [
        ("fee", "base", "1.15", "2026-11-20", "2027-01-01"),
        ("proration", "base", "-1.15", "2026-11-20", "2026-12-01"),
    ]
    [note] = november.api.every("/v1/credit-notes")
    assert note["total"] == "2.52"  # what the invoice could not bear of 3.67


@pytest.mark.parametrize(("body", "field"), [
    ({"plan": "euro", "at": "now"}, "plan"), ({"quantities": {"x": "1"}, "at": "now"}, "quantities.x"),
    ({"overrides": {"x": {"amount": "1"}}, "at": "now"}, "overrides.x"), ({"at": "soon"}, "at"), ({}, "at"),
    ({"plan": "big", "at": "2026-10-31T00:00:00Z"}, "at"), ({"plan": "seats", "at": "now"}, "quantities.seats"),
    ({"plan": "big", "at": "now", "invoice": "later"}, "invoice"), ({"plan": "big", "at": "now", "x": 1}, "x"),
])
def test_what_is_against_a_rule_is_named(november: Books, body: Mapping[str, Any], field: str) -> None:
    november.plan(BASE, key="euro", currency="EUR")
    november.plan(SEATS, key="seats")
    before = november.api.get("/v1/subscriptions/main").json
    answer = november.api.post("/v1/subscriptions/main/change", body)
    assert answer.status_code == 422
    assert field in [each["field"] for each in (answer.json or {})["errors"]]
    assert november.api.get("/v1/subscriptions/main").json == before


def test_months_that_are_made_up_for_in_one_run_are_each_billed_as_they_were_agreed(books: Books) -> None:
    """However many transactions lie between the boundaries of one subscription."""
    books.plan(BASE)
    books.plan(BIG, key="big")
    for number in range(30):
        books.customer(key=f"c{number}")
        books.subscribe(customer=f"c{number}", key=f"s{number}", starts_at="2026-08-01T00:00:00Z")
        books.api.made(f"/v1/subscriptions/s{number}/change", {"plan": "big", "at": "2026-08-21T00:00:00Z"})
    books.billed("2026-11-20T00:00:00Z")
    for number in range(30):
        mine = books.api.every(f"/v1/invoices?customer=c{number}")
        assert [told(one) for one in mine] == [
            [("fee", "base", "6.45", "2026-08-01", "2026-08-21"), ("fee", "base", "14.19", "2026-08-21", "2026-09-01")],
            [("fee", "base", "40.00", "2026-09-01", "2026-10-01")],
            [("fee", "base", "40.00", "2026-10-01", "2026-11-01")],
            [("fee", "base", "40.00", "2026-11-01", "2026-12-01")],
        ]
    assert books.api.every("/v1/credit-notes") == []


def test_an_end_at_its_own_start_is_withdrawn_as_any(books: Books) -> None:
    """Nothing of it is billed (rule 13)."""
    books.plan(BASE)
    books.customer()
    books.subscribe(key="main", starts_at="2026-11-25T00:00:00Z")
    assert change(books, "cancel", at="now")["ends_at"] == "2026-11-25T00:00:00Z"
    assert change(books, "uncancel")["ends_at"] is None
    books.api.clock.to("2026-12-02T00:00:00Z")
    assert [told(one)[0][2] for one in books.billed("2026-12-02T00:00:00Z")] == ["2.00", "10.00"]
