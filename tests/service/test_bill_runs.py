"""Bill runs over HTTP: what is due becomes an invoice, once (rules 11, 12, 25 and 26)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from farthing.billing.bill_runs.schemas import BillRunIn
from farthing.billing.bill_runs.service import BillRuns
from farthing.billing.bill_runs.values import BillRun
from farthing.billing.invoices.rating import Rater
from farthing.kernel.credentials import operator
from farthing.kernel.schemas import parsed
from tests.service.books import BASE, BY_REGION, CALLS, SEATS, SUPPORT, Books, in_short, lines
from tests.service.conftest import Api

pytestmark = pytest.mark.books


def test_usage_and_fees_stand_in_order(books: Books) -> None:
    """Usage, then fees in arrears, in the plan's order of prices; then fees in advance (rule 19)."""
    books.customer_on(BASE, SUPPORT, SEATS, CALLS, quantities={"seats": "3"}, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", "3")
    first, second = books.billed("2026-11-02T00:00:00Z")
    assert lines(first) == [
        ("fee", "base", "10.00", "2026-10-01", "2026-11-01"), ("fee", "seats", "7.50", "2026-10-01", "2026-11-01"),
    ]
    assert lines(second) == [
        ("usage", "calls", "0.30", "2026-10-01", "2026-11-01"),
        ("fee", "support", "5.00", "2026-10-01", "2026-11-01"),
        ("fee", "base", "10.00", "2026-11-01", "2026-12-01"), ("fee", "seats", "7.50", "2026-11-01", "2026-12-01"),
    ]
    assert second["total"] == second["amount_due"] == "22.80"
    assert second["period"] == {"from": "2026-10-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}


def test_a_start_in_the_past_is_billed_period_by_period(books: Books) -> None:
    """One invoice for each boundary, in order (rules 25 and 26)."""
    books.customer_on(BASE, starts_at="2026-08-01T00:00:00Z")
    assert in_short(books.billed("2026-11-20T00:00:00Z")) == [
        ("2026-08-01T00:00:00Z", "INV-2026-000001", "open", "10.00"),
        ("2026-09-01T00:00:00Z", "INV-2026-000002", "open", "10.00"),
        ("2026-10-01T00:00:00Z", "INV-2026-000003", "open", "10.00"),
        ("2026-11-01T00:00:00Z", "INV-2026-000004", "open", "10.00"),
    ]


def test_running_again_bills_nobody_twice(books: Books) -> None:
    books.customer_on(BASE, CALLS)
    books.use("1", "2026-09-07T12:00:00Z")
    assert len(books.billed("2026-11-20T00:00:00Z")) == 3
    before = books.invoices()
    assert books.billed("2026-11-20T00:00:00Z") == []
    assert books.billed("2026-10-15T00:00:00Z") == []
    assert books.invoices() == before


def test_a_yearly_fee_is_charged_once_a_year(books: Books) -> None:
    books.customer_on(BASE, SUPPORT, plan={"interval": "year"}, starts_at="2024-01-01T00:00:00Z")
    assert [lines(invoice) for invoice in books.billed("2026-11-20T00:00:00Z")] == [
        [("fee", "base", "10.00", "2024-01-01", "2025-01-01")],
        [("fee", "support", "5.00", "2024-01-01", "2025-01-01"), ("fee", "base", "10.00", "2025-01-01", "2026-01-01")],
        [("fee", "support", "5.00", "2025-01-01", "2026-01-01"), ("fee", "base", "10.00", "2026-01-01", "2027-01-01")],
    ]


@pytest.mark.parametrize(("start", "boundaries"), [
    ("2026-01-31T00:00:00Z", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
    ("2024-01-30T00:00:00Z", ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
])
def test_an_anniversary_returns_to_its_day(books: Books, start: str, boundaries: list[str]) -> None:
    """Clamped to shorter months, without drift (rule 12, T27)."""
    books.customer_on(BASE, starts_at=start, anchor="anniversary")
    books.run(f"{boundaries[-1]}T12:00:00Z")
    assert [invoice["boundary"][:10] for invoice in books.invoices()] == boundaries


def test_an_anniversary_of_leap_day(books: Books) -> None:
    """T27: 28 February in common years, 29 in leap years."""
    books.customer_on(BASE, plan={"interval": "year"}, starts_at="2020-02-29T00:00:00Z", anchor="anniversary")
    books.run("2026-11-20T00:00:00Z")
    assert [invoice["boundary"][:10] for invoice in books.invoices()] == [
        "2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29", "2025-02-28", "2026-02-28",
    ]


@pytest.mark.parametrize(("zone", "starts_at", "as_of", "boundaries"), [
    ("Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-31T00:00:00Z",  # 29 March has 23 hours
     ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"]),
    ("Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-27T00:00:00Z",  # 25 October has 25
     ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z"]),
    ("Africa/Cairo", "2026-04-23T00:00:00+02:00", "2026-04-25T00:00:00Z",  # no midnight on 24 April
     ["2026-04-22T22:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]),
    ("America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-05T12:00:00Z",  # nor on 4 November 2018
     ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]),
    ("Pacific/Apia", "2011-12-28T12:00:00-10:00", "2012-01-01T12:00:00Z",  # 30 December 2011 never was
     ["2011-12-28T10:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z",
      "2012-01-01T10:00:00Z"]),
    ("Asia/Kathmandu", "2026-10-01T12:00:00+05:45", "2026-10-03T00:00:00Z",
     ["2026-09-30T18:15:00Z", "2026-10-01T18:15:00Z", "2026-10-02T18:15:00Z"]),
])
def test_days_are_those_of_the_customer(
    books: Books, zone: str, starts_at: str, as_of: str, boundaries: list[str]
) -> None:
    """Every local day is billed once, however long it is, and none that never was (rule 11, T23 to T26)."""
    daily = {"interval": "day"}
    books.customer_on(BASE, plan=daily, customer={"timezone": zone}, starts_at=starts_at)
    books.run(as_of)
    assert [invoice["boundary"] for invoice in books.invoices()] == boundaries


def test_hourly_runs_bill_each_day_once(books: Books) -> None:
    """T26: at both ends of the day and beside the hour."""
    books.plan(BASE, interval="day")
    for key, zone in (("first", "Pacific/Kiritimati"), ("last", "Etc/GMT+12"), ("beside", "Asia/Kathmandu")):
        books.customer(key, timezone=zone)
        books.subscribe(customer=key, starts_at="2026-10-01T12:00:00Z")
    for hour in range(48):
        books.run(f"2026-10-{2 + hour // 24:02}T{hour % 24:02}:00:00Z")
    found = [(invoice["customer"]["key"], invoice["boundary"]) for invoice in books.invoices()]
    assert sorted(found) == [
        ("beside", "2026-09-30T18:15:00Z"), ("beside", "2026-10-01T18:15:00Z"), ("beside", "2026-10-02T18:15:00Z"),
        ("beside", "2026-10-03T18:15:00Z"), ("first", "2026-10-01T10:00:00Z"), ("first", "2026-10-02T10:00:00Z"),
        ("first", "2026-10-03T10:00:00Z"), ("last", "2026-10-01T12:00:00Z"), ("last", "2026-10-02T12:00:00Z"),
        ("last", "2026-10-03T12:00:00Z"),
    ]


@pytest.mark.parametrize(("time", "month"), [
    ("2026-09-30T22:00:00Z", "October"), ("2026-09-30T21:59:59.999999Z", "September"),
    ("2026-10-01T00:00:00+02:00", "October"), ("2026-10-31T22:59:59.999999Z", "October"),
    ("2026-10-31T23:00:00Z", "November"),
])
def test_an_event_belongs_to_the_period_that_holds_its_instant(books: Books, time: str, month: str) -> None:
    """`from` is in, `to` is not, whatever offset it was written with (rule 11, T30)."""
    books.customer_on(CALLS, customer={"timezone": "Europe/Berlin"}, starts_at="2026-09-01T00:00:00+02:00")
    books.use("1", time)
    billed = books.billed("2026-11-20T00:00:00Z")
    starts = {"September": "2026-08-31T22:00:00Z", "October": "2026-09-30T22:00:00Z"}
    assert [invoice["lines"][0]["period"]["from"] for invoice in billed] == (
        [starts[month]] if month in starts else []
    )


def test_inside_the_grace_a_draft_waits_for_what_still_comes(books: Books) -> None:
    """A run makes a draft; a later one rates it again and finalises it (rule 26)."""
    books.customer_on(BASE, CALLS, starts_at="2026-10-01T00:00:00Z")
    books.run("2026-10-15T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z")
    [draft] = books.billed("2026-11-01T00:59:59Z")
    assert in_short([draft]) == [("2026-11-01T00:00:00Z", None, "draft", "10.10")]
    books.use("2", "2026-10-08T12:00:00Z", "2")
    [final] = books.billed("2026-11-01T01:00:00Z")
    assert in_short([final]) == [("2026-11-01T00:00:00Z", "INV-2026-000002", "open", "10.30")]
    assert final["id"] == draft["id"]
    assert [line["id"] for line in final["lines"]] == [line["id"] for line in draft["lines"]]


def test_the_grace_is_the_organizations(books: Books) -> None:
    assert books.api.patch("/v1/organization", {"grace_seconds": 86400}).status_code == 200
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    assert in_short(books.billed("2026-11-01T23:59:59Z"))[0][1:3] == (None, "draft")
    assert in_short(books.billed("2026-11-02T00:00:00Z"))[0][1:3] == ("INV-2026-000001", "open")


def test_a_run_leaves_a_draft_alone_that_says_the_same(books: Books) -> None:
    """Otherwise every hour would make a new version of it."""
    subscription = books.customer_on(BASE, CALLS, starts_at="2026-11-01T00:00:00Z")
    [draft] = books.billed("2026-11-01T00:10:00Z")
    assert books.billed("2026-11-01T00:20:00Z") == []
    assert books.invoices() == [draft]
    assert books.api.get(f"/v1/subscriptions/{subscription['id']}").json == subscription


def test_without_a_line_there_is_no_invoice(books: Books) -> None:
    """The boundary is closed once the grace is over, and what comes later joins the next (rules 18 and 25)."""
    books.customer_on(CALLS, starts_at="2026-09-01T00:00:00Z")
    assert books.billed("2026-10-01T00:30:00Z") == []
    books.use("1", "2026-09-07T12:00:00Z")
    assert len(books.billed("2026-10-01T00:40:00Z")) == 1  # the grace was not over
    books.void_event("1")
    assert books.billed("2026-10-01T01:00:00Z") == []
    assert books.invoices() == []  # the draft went with its usage
    books.use("2", "2026-09-08T12:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert [(line["reason"], line.get("corrects")) for line in invoice["lines"]] == [("late_usage", None)]
    assert invoice["boundary"] == "2026-11-01T00:00:00Z"


def test_a_metered_quantity_makes_a_line_that_costs_nothing(books: Books) -> None:
    """With nothing due the invoice is numbered and paid (rules 25 and 26)."""
    free = CALLS | {"free_units": "1000"}
    books.customer_on(free, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", "5")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert (invoice["number"], invoice["status"], invoice["total"]) == ("INV-2026-000001", "paid", "0.00")
    assert invoice["lines"][0]["quantity"] == "5"


def test_numbers_follow_the_boundary_and_then_the_age_of_the_subscription(books: Books) -> None:
    """In a run, also over several customers (rule 26)."""
    books.plan(BASE)
    made = []
    for key, start in (("a", "2026-10-01"), ("b", "2026-09-01"), ("c", "2026-10-01")):
        books.customer(key)
        made.append(books.subscribe(customer=key, starts_at=f"{start}T00:00:00Z")["id"])
    billed = books.billed("2026-10-15T00:00:00Z")
    assert [(invoice["boundary"][:10], made.index(invoice["subscription"])) for invoice in billed] == [
        ("2026-09-01", 1), ("2026-10-01", 0), ("2026-10-01", 1), ("2026-10-01", 2),
    ]
    assert [invoice["number"][-1] for invoice in billed] == ["1", "2", "3", "4"]


def test_numbers_begin_anew_each_year_of_the_organizations_zone(books: Books) -> None:
    """The year of `issued_at`, where the seller is (rule 21)."""
    assert books.api.patch("/v1/organization", {"timezone": "Asia/Kolkata"}).status_code == 200
    books.customer_on(BASE, customer={"timezone": "UTC"}, starts_at="2026-10-01T00:00:00Z")
    numbers = []
    for now in ("2026-11-30T00:00:00Z", "2026-12-31T18:29:59Z", "2026-12-31T18:30:00Z", "2027-02-01T02:00:00Z"):
        books.api.clock.to(now)
        numbers += [invoice["number"] for invoice in books.billed(now)]
        if now == "2026-12-31T18:29:59Z":
            books.subscribe(customer=books.customer("later", timezone="UTC")["id"], starts_at="2026-12-01T00:00:00Z")
    assert numbers == [
        "INV-2026-000001", "INV-2026-000002", "INV-2026-000003",  # October, November; December at 23:59:59 in Kolkata
        "INV-2027-000001",  # the later customer's December, issued at midnight in Kolkata
        "INV-2027-000002", "INV-2027-000003", "INV-2027-000004", "INV-2027-000005",
    ]


def test_numbers_rise_with_the_time_of_issue(books: Books) -> None:
    """Also when the clock goes back (rule 21, I7)."""
    books.customer_on(BASE, starts_at="2026-10-01T00:00:00Z")
    books.run("2026-10-15T00:00:00Z")
    books.api.clock.to("2026-11-20T11:00:00Z")  # an hour back
    books.run("2026-11-15T00:00:00Z")
    issued = sorted((invoice["number"], invoice["issued_at"]) for invoice in books.invoices())
    assert issued == [("INV-2026-000001", "2026-11-20T12:00:00Z"), ("INV-2026-000002", "2026-11-20T12:00:00Z")]


def test_numbers_are_each_organizations_own(books: Books) -> None:
    for one in (books, Books(books.api.stranger())):
        one.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
        assert [invoice["number"] for invoice in one.billed("2026-11-20T00:00:00Z")] == ["INV-2026-000001"]


def test_a_run_looks_at_its_customers_only(books: Books) -> None:
    """By id or key, and each once."""
    books.plan(BASE)
    ids = {key: books.customer(key)["id"] for key in ("a", "b", "c")}
    for key in ids:
        books.subscribe(customer=key, starts_at="2026-11-01T00:00:00Z")
    billed = books.billed("2026-11-20T00:00:00Z", customers=["a", ids["c"], ids["a"]])
    assert sorted(invoice["customer"]["key"] for invoice in billed) == ["a", "c"]
    unknown = {"as_of": "2026-11-20T00:00:00Z", "customers": ["a", "x"]}
    assert books.api.post("/v1/bill-runs", unknown).status_code == 404
    assert len(books.billed("2026-11-20T00:00:00Z")) == 1


def test_a_dry_run_stores_nothing_and_may_look_ahead(books: Books) -> None:
    """And its count is that of a run in earnest (rule 26)."""
    subscription = books.customer_on(BASE, CALLS, starts_at="2026-11-01T00:00:00Z")
    run = books.run("2027-02-15T00:00:00Z", dry_run=True)
    assert (run["invoices"], run["progress"]) == (4, {"done": 4, "total": 4})
    assert books.invoices() == []
    assert books.api.get(f"/v1/subscriptions/{subscription['id']}").json == subscription
    assert len(books.billed("2026-11-01T00:10:00Z")) == 1
    assert books.run("2026-11-01T00:10:00Z", dry_run=True)["invoices"] == 0  # the draft is there already
    assert books.run("2026-11-20T00:00:00Z", dry_run=True)["invoices"] == 1  # and would be finalised


@pytest.mark.parametrize(("body", "field"), [
    ({"as_of": "2026-11-20T12:00:01Z"}, "as_of"),
    ({"as_of": "2037-01-01T00:00:00Z", "dry_run": True}, "as_of"),
    ({"as_of": "2026-11-20"}, "as_of"), ({}, "as_of"),
    ({"as_of": "2026-11-01T00:00:00Z", "customers": []}, "customers"),
    ({"as_of": "2026-11-01T00:00:00Z", "status": "completed"}, "status"),
    ({"as_of": "2026-11-01T00:00:00Z", "dry_run": "true"}, "dry_run"),
])
def test_a_run_that_cannot_be_is_refused(api: Api, body: Mapping[str, Any], field: str) -> None:
    """Ahead of the clock only a dry run looks, and not for ever (rule 26)."""
    answer = api.post("/v1/bill-runs", dict(body))
    assert answer.status_code == 422
    assert field in [error["field"] for error in (answer.json or {})["errors"]]
    assert api.every("/v1/bill-runs") == []


def test_what_cannot_be_priced_parks_its_subscription_alone(books: Books) -> None:
    """The reason names the values; the run goes on, and what was good before is billed (rule 10)."""
    bad = books.customer_on(BASE, BY_REGION)
    good = books.subscribe(customer=books.customer("other")["id"])
    books.use("1", "2026-09-07T12:00:00Z", region="eu")
    books.use("2", "2026-10-07T12:00:00Z", region="moon")
    run = books.run("2026-11-20T00:00:00Z")
    [parked] = run["parked"]
    assert parked["subscription"] == bad["id"]
    assert "2026-11-01" in parked["reason"]
    assert "'moon'" in parked["reason"]
    billed = [(one["subscription"], one["boundary"][:10]) for one in books.invoices()]
    assert [at for id, at in billed if id == bad["id"]] == ["2026-09-01", "2026-10-01"]
    assert [at for id, at in billed if id == good["id"]] == ["2026-09-01", "2026-10-01", "2026-11-01"]
    assert [one["id"] for one in books.api.every("/v1/subscriptions?parked=true")] == [bad["id"]]
    assert books.api.every("/v1/subscriptions?parked=false")[0]["parked"] is None


def test_a_parked_subscription_is_tried_again(books: Books) -> None:
    bad = books.customer_on(BASE, BY_REGION, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", region="moon")
    assert len(books.run("2026-11-20T00:00:00Z")["parked"]) == 1
    again = books.run("2026-11-20T00:00:00Z")
    assert (again["invoices"], len(again["parked"])) == (0, 1)
    books.void_event("1")
    assert in_short(books.billed("2026-11-20T00:00:00Z")) == [
        ("2026-11-01T00:00:00Z", "INV-2026-000002", "open", "10.00"),
    ]
    assert (books.api.get(f"/v1/subscriptions/{bad['id']}").json or {})["parked"] is None


def test_a_parked_draft_that_turned_out_well_unparks(books: Books) -> None:
    """Also inside the grace, when nothing is closed yet."""
    bad = books.customer_on(BY_REGION, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z", region="moon")
    books.run("2026-11-01T00:10:00Z")
    books.void_event("1")
    books.use("2", "2026-10-07T12:00:00Z", region="eu")
    assert [one["status"] for one in books.billed("2026-11-01T00:20:00Z")] == ["draft"]
    assert (books.api.get(f"/v1/subscriptions/{bad['id']}").json or {})["parked"] is None


def test_more_than_one_transaction_makes_one_run(books: Books) -> None:
    books.plan(BASE, interval="day")
    books.customer()
    books.subscribe(starts_at="2026-08-01T00:00:00Z")
    run = books.run("2026-11-20T00:00:00Z")
    assert (run["invoices"], run["progress"]) == (112, {"done": 112, "total": 112})
    numbers = [invoice["number"] for invoice in books.invoices()]
    assert numbers[:2] == ["INV-2026-000001", "INV-2026-000002"]
    assert len(set(numbers)) == 112


def test_an_invoice_made_and_voided_again_and_again_ends_parked(books: Books) -> None:
    """T38: a loop makes at most 20 invoices of one day for one subscription."""
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    for _ in range(20):
        [invoice] = books.billed("2026-11-20T00:00:00Z")
        books.post(invoice, "void")
    run = books.run("2026-11-20T00:00:00Z")
    assert run["invoices"] == 0
    assert "20 invoices of 2026-11-01" in run["parked"][0]["reason"]


def test_a_run_that_fell_behind_does_not_take_usage_out_of_a_draft(books: Books) -> None:
    """It began before the events that another one has counted since."""
    books.customer_on(CALLS, starts_at="2026-10-01T00:00:00Z")
    books.use("1", "2026-10-07T12:00:00Z")
    service = books.api.farthing[BillRuns]
    before = service.running.rater.follow(books.api.organization)
    books.use("2", "2026-10-07T12:00:00Z")
    books.run("2026-11-01T00:10:00Z")

    class Behind(Rater):
        positions = [before]

        def follow(self, organization: str) -> int:
            return self.positions.pop() if self.positions else super().follow(organization)

    rater = Behind(service.database, service.running.rater.catalog, service.running.rater.metering)
    late = replace(service, running=replace(service.running, rater=rater))
    body = parsed(BillRunIn, {"as_of": "2026-11-20T00:00:00Z"})
    run = late.run(operator(books.api.organization), body, lambda run: None)
    assert (run.status, run.invoices) == ("completed", 1)
    assert [one["lines"][0]["quantity"] for one in books.invoices(status="open")] == ["2"]


def test_a_run_whose_process_went_away_is_finished(books: Books) -> None:
    """What it had billed stays billed once, and is counted."""
    books.plan(BASE, interval="day")
    books.customer()
    books.subscribe(starts_at="2026-08-01T00:00:00Z")
    service = books.api.farthing[BillRuns]
    body = parsed(BillRunIn, {"as_of": "2026-11-20T12:00:00Z"})

    class Gone(BaseException):
        """The end of a process: nothing catches it."""

    def after_two(run: BillRun) -> None:
        if run.done == 100:
            raise Gone

    with pytest.raises(Gone):
        service.run(operator(books.api.organization), body, after_two)
    [left] = books.api.every("/v1/bill-runs")
    assert (left["status"], left["invoices"], len(books.invoices())) == ("running", 100, 100)
    service.resume()
    [run] = books.api.every("/v1/bill-runs")
    assert (run["status"], run["invoices"], run["progress"]) == ("completed", 112, {"done": 12, "total": 12})
    assert sorted(one["number"] for one in books.invoices()) == [f"INV-2026-{n:06}" for n in range(1, 113)]


def test_a_run_that_fails_says_so_without_its_insides(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    service = books.api.farthing[BillRuns]

    class Broken(Rater):
        def follow(self, organization: str) -> int:
            raise RuntimeError("SELECT secret FROM somewhere")

    rater = Broken(service.database, service.running.rater.catalog, service.running.rater.metering)
    broken = replace(service, running=replace(service.running, rater=rater))
    body = parsed(BillRunIn, {"as_of": "2026-11-20T12:00:00Z"})
    run = broken.run(operator(books.api.organization), body, lambda run: None)
    shown = books.api.get(f"/v1/bill-runs/{run.id}").json or {}
    assert shown["status"] == "failed"
    assert "RuntimeError" in shown["error"]
    assert "secret" not in shown["error"]
    assert len(books.billed("2026-11-20T12:00:00Z")) == 1


def test_the_number_of_questions_does_not_grow_with_the_subscriptions(books: Books) -> None:
    """No query in a loop: ten subscriptions cost what two do."""
    books.meter()
    books.plan(BASE, CALLS)
    counts = []
    for size in (1, 2, 10):  # the first opens what is there from then on
        for number in range(size):
            key = f"c{size}-{number}"
            books.customer(key)
            books.subscribe(customer=key, starts_at="2026-11-01T00:00:00Z")
        with counted(books.api) as statements:
            books.run("2026-11-20T00:00:00Z")
        counts.append(len(statements))
    assert counts[2] == counts[1]


@contextmanager
def counted(api: Api) -> Iterator[list[str]]:
    """The statements that the block sends."""
    statements: list[str] = []

    def executed(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(api.farthing.database.engine, "before_cursor_execute", executed)
    yield statements
    event.remove(api.farthing.database.engine, "before_cursor_execute", executed)


def test_runs_are_listed_and_belong_to_their_organization(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-11-01T00:00:00Z")
    runs = [books.run("2026-11-20T00:00:00Z") for _ in range(3)]
    assert books.api.every("/v1/bill-runs") == runs
    stranger = books.api.stranger()
    assert stranger.get(f"/v1/bill-runs/{runs[0]['id']}").status_code == 404
    assert stranger.every("/v1/bill-runs") == []
