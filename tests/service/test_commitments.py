"""Minimum commitments: what is missing at the end of a plan period is one line more (rules 9, 13, 18 and 25)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.oracle import sound_books
from tests.service.books import BASE, CALLS, Books, lines

pytestmark = [pytest.mark.books, pytest.mark.together]  # all of it is within billing


@pytest.fixture
def committed(books: Books) -> Books:
    """A plan with ten a month in advance, calls at ten cents, and at least a hundred a month."""
    books.meter()
    books.plan(BASE, CALLS, minimum_commitment="100.00")
    books.customer()
    return books


def true_ups(books: Books) -> list[tuple[str, str, str]]:
    """The amounts and days of all lines that commitments made, on invoices that stand, in sound books."""
    standing = [one for one in books.invoices() if one["status"] != "void"]
    sound_books(books.api.farthing, books.api.organization)
    return [(line[2], line[3], line[4]) for one in standing for line in lines(one) if line[0] == "commitment"]


def billed(books: Books, day: str) -> list[dict[str, Any]]:
    books.api.clock.to(f"{day}T12:00:00Z")
    return books.billed(f"{day}T12:00:00Z")


def change(books: Books, verb: str = "change", **body: Any) -> Mapping[str, Any]:
    return books.api.made(f"/v1/subscriptions/main/{verb}", body)


def test_what_is_missing_is_one_line_more(committed: Books) -> None:
    """At the end of the plan period, with the fee that was paid in advance and the usage (rule 9)."""
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    committed.use("1", "2026-11-10T00:00:00Z", "50")
    billed(committed, "2026-11-20")
    [invoice] = billed(committed, "2026-12-02")
    assert lines(invoice) == [
        ("usage", "calls", "5.00", "2026-11-01", "2026-12-01"),
        ("fee", "base", "10.00", "2026-12-01", "2027-01-01"),
        ("commitment", None, "85.00", "2026-11-01", "2026-12-01"),
    ]
    line = invoice["lines"][2]
    assert (line["quantity"], line["unit_amount"], line["description"]) == ("1", None, "Minimum commitment")
    assert invoice["total"] == "100.00"
    assert invoice["period"] == {"from": "2026-11-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}


def test_reaching_it_adds_nothing(committed: Books) -> None:
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    committed.use("1", "2026-11-10T00:00:00Z", "900")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == []


def test_many_periods_at_once_see_each_others_lines(committed: Books) -> None:
    """A run that makes up for months bills them in one go: each month has its own fee and usage."""
    committed.subscribe(key="main", starts_at="2026-08-01T00:00:00Z")
    committed.use("1", "2026-09-10T00:00:00Z", "500")
    committed.billed("2026-11-20T00:00:00Z")
    assert true_ups(committed) == [
        ("90.00", "2026-08-01", "2026-09-01"), ("40.00", "2026-09-01", "2026-10-01"),
        ("90.00", "2026-10-01", "2026-11-01"),
    ]


def test_it_shrinks_with_the_days(committed: Books) -> None:
    """A start and an end in mid-period, and days that were paused, take their share of it (rules 9 and 13)."""
    committed.subscribe(key="main", starts_at="2026-10-17T00:00:00Z")
    billed(committed, "2026-11-02")
    assert true_ups(committed) == [("43.55", "2026-10-17", "2026-11-01")]  # 15 of 31 days of 100, less 4.84
    assert committed.invoices()[1]["lines"][1]["description"] == "Minimum commitment (15 of 31 days)"
    committed.api.clock.to("2026-11-10T12:00:00Z")
    change(committed, "pause", at="now")
    committed.api.clock.to("2026-11-16T12:00:00Z")
    change(committed, "resume", at="now")
    change(committed, "cancel", at="2026-11-25T12:00:00Z")
    billed(committed, "2026-11-27")
    assert true_ups(committed)[1:] == [("60.00", "2026-11-01", "2026-11-26")]  # 20 of 30 days: 66.67 less 6.67


def test_a_trial_commits_to_nothing(committed: Books) -> None:
    committed.plan(BASE, key="tried", minimum_commitment="100.00", trial_days=14)
    committed.subscribe(key="main", plan="tried", starts_at="2026-10-18T00:00:00Z")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [("90.00", "2026-11-01", "2026-12-01")]


def test_a_yearly_plan_looks_at_all_its_months(committed: Books) -> None:
    """Usage that is billed by the month counts where it was billed; the commitment is the year's (rule 9)."""
    committed.plan(BASE, CALLS, key="yearly", interval="year", usage_interval="month", minimum_commitment="365.00")
    committed.subscribe(key="main", plan="yearly", starts_at="2026-10-01T00:00:00Z")
    committed.use("1", "2026-10-10T00:00:00Z", "100")
    billed(committed, "2026-12-10")
    committed.use("2", "2026-12-10T00:00:00Z", "200")
    assert true_ups(committed) == []
    [december] = billed(committed, "2027-01-02")
    assert [one[:3] for one in lines(december)] == [
        ("usage", "calls", "20.00"), ("fee", "base", "10.00"), ("commitment", None, "59.48"),
    ]  # 92 of 365 days are 92.00, less 10 x 92/365 and 10.00 and 20.00
    assert true_ups(committed) == [("59.48", "2026-10-01", "2027-01-01")]


def test_each_plan_has_its_own_share(committed: Books) -> None:
    """A change of plan in mid-period: by the days, each with its own lines (rules 9 and 14)."""
    committed.plan(BASE | {"amount": "40.00"}, CALLS, key="big", minimum_commitment="300.00")
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    committed.use("1", "2026-11-10T00:00:00Z", "50")
    billed(committed, "2026-11-21")
    change(committed, plan="big", at="now")
    committed.api.clock.to("2026-11-26T00:00:00Z")
    committed.use("2", "2026-11-25T00:00:00Z", "30")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [
        ("55.00", "2026-11-01", "2026-11-21"),  # 66.67 less 6.67 and 5.00
        ("83.67", "2026-11-21", "2026-12-01"),  # 100.00 less 13.33 and 3.00
    ]


def test_a_fee_that_stays_the_same_counts_for_both(committed: Books) -> None:
    """Nothing is given back of it: each plan has the days that it holds."""
    committed.plan(BASE, key="other", minimum_commitment="60.00")
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    billed(committed, "2026-11-20")
    change(committed, plan="other", at="2026-11-21T00:00:00Z")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [("60.00", "2026-11-01", "2026-11-21"), ("16.67", "2026-11-21", "2026-12-01")]


def test_a_coupon_takes_from_it_and_not_from_what_it_is_compared_with(committed: Books) -> None:
    """Amounts are compared before discounts (rules 9 and 19)."""
    committed.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "forever"})
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", coupons=["half"])
    billed(committed, "2026-11-20")
    [invoice] = billed(committed, "2026-12-02")
    assert [(line["reason"], line["amount"], line["discount"]) for line in invoice["lines"]] == [
        ("fee", "10.00", "5.00"), ("commitment", "90.00", "45.00"),
    ]


def test_what_was_given_back_counts_as_it_was_entered(committed: Books) -> None:
    """Half of a fee with a discount is half of the fee."""
    committed.api.made("/v1/coupons", {"key": "half", "name": "Half", "percent": "50", "duration": "forever"})
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z", coupons=["half"])
    billed(committed, "2026-11-15")
    change(committed, "pause", at="now")
    committed.api.clock.to("2026-12-01T12:00:00Z")
    change(committed, "resume", at="now")
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [("45.00", "2026-11-01", "2026-12-01")]  # 15 of 30 days


def test_voided_and_billed_anew_it_is_the_same(committed: Books) -> None:
    """Also where the invoice was voided that charged the fee (rule 20)."""
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    [first] = billed(committed, "2026-11-20")
    [second] = billed(committed, "2026-12-02")
    committed.post(second, "void", {"rebill": True})
    committed.post(first, "void", {"rebill": True})
    assert true_ups(committed) == []
    billed(committed, "2026-12-03")
    assert true_ups(committed) == [("90.00", "2026-11-01", "2026-12-01")]
    [first] = [one for one in committed.invoices(status="open") if one["boundary"] == "2026-11-01T00:00:00Z"]
    committed.post(first, "void", {"rebill": True})
    billed(committed, "2026-12-04")
    assert true_ups(committed) == [("90.00", "2026-11-01", "2026-12-01")]


def test_what_is_forgiven_is_not_charged_as_a_true_up(committed: Books) -> None:
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    [first] = billed(committed, "2026-11-20")
    committed.post(first, "void", {"rebill": False})
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [("90.00", "2026-11-01", "2026-12-01")]


def test_a_period_that_a_change_ends_where_it_was_billed_already(committed: Books) -> None:
    """Its true-up joins the next boundary (rule 25)."""
    committed.plan(BASE, CALLS, key="yearly", interval="year", usage_interval="month", minimum_commitment="365.00")
    committed.subscribe(key="main", plan="yearly", starts_at="2026-10-01T00:00:00Z")
    billed(committed, "2026-11-20")
    change(committed, plan="pro", at="2026-11-01T00:00:00Z", invoice="next")
    assert true_ups(committed) == []
    billed(committed, "2026-12-02")
    assert true_ups(committed) == [("30.15", "2026-10-01", "2026-11-01"), ("90.00", "2026-11-01", "2026-12-01")]


def test_the_upcoming_invoice_shows_it(committed: Books) -> None:
    committed.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    billed(committed, "2026-11-20")
    told = committed.api.get("/v1/subscriptions/main/upcoming-invoice").json or {}
    assert [line["amount"] for line in told["lines"] if line["reason"] == "commitment"] == ["90.00"]


def test_a_simulation_counts_the_other_plans_commitment(committed: Books) -> None:
    """Of a year too, of which only the last month ends in the time that is asked for."""
    committed.plan(BASE, CALLS, key="big", minimum_commitment="250.00")
    committed.plan(BASE, CALLS, key="yearly", interval="year", usage_interval="month", minimum_commitment="36.50")
    committed.customer("bcme")
    committed.subscribe(starts_at="2026-10-01T00:00:00Z")
    times = {"starts_at": "2026-10-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}
    committed.subscribe(customer="bcme", plan="yearly", **times)
    committed.use("1", "2026-10-10T00:00:00Z", "10", subject="bcme")
    committed.use("2", "2026-11-10T00:00:00Z", "20", subject="bcme")
    billed(committed, "2026-11-20")
    told = committed.api.made("/v1/simulations", {
        "plan": "big", "from": "2026-11-15T00:00:00Z", "to": "2026-12-02T00:00:00Z",
    })
    assert [(one["current"], one["simulated"]) for one in told["data"]] == [
        ("100.00", "250.00"), ("5.10", "40.78"),
    ]  # 61 of 365 days: 6.10 less 1.00 of October; and 41.78


def test_it_says_how_it_came_about(committed: Books) -> None:
    """Steps that sum to the amount, in words."""
    committed.subscribe(key="main", starts_at="2026-11-16T00:00:00Z")
    committed.use("1", "2026-11-17T00:00:00Z", "50")
    billed(committed, "2026-12-02")
    invoice = committed.invoices()[-1]
    line = next(each for each in invoice["lines"] if each["reason"] == "commitment")
    told = committed.api.get(f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain").json or {}
    assert [(step["amount"], step["note"]) for step in told["steps"]] == [
        ("100", "minimum commitment of 100.00"), ("-50", "15 of 30 days"),
        ("-5", "Base fee (15 of 30 days), fixed fee"), ("-5", "Calls, usage"),
    ]
    assert (told["exact"], told["amount"]) == ("40", "40.00")


def test_late_usage_corrects_it_down_and_up(committed: Books) -> None:
    """More usage lowers the true-up by what it adds; a voided event raises it again (rule 18)."""
    committed.subscribe(key="main", starts_at="2026-10-01T00:00:00Z")
    billed(committed, "2026-11-20")
    assert true_ups(committed) == [("90.00", "2026-10-01", "2026-11-01")]
    committed.use("late", "2026-10-10T00:00:00Z", "400")
    [december] = billed(committed, "2026-12-02")
    assert [one[:3] for one in lines(december)][1:] == [
        ("late_usage", "calls", "40.00"), ("commitment", None, "-40.00"), ("commitment", None, "90.00"),
    ]
    told = committed.api.get(f"/v1/invoices/{december['id']}/lines/{december['lines'][2]['id']}/explain").json or {}
    assert told["amount"] == "-40.00"
    committed.void_event("late")
    billed(committed, "2027-01-02")
    october = [one[0] for one in true_ups(committed) if one[1] == "2026-10-01"]
    assert october == ["90.00", "-40.00", "40.00"]
