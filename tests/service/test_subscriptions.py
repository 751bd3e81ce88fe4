"""Subscriptions over HTTP: who is on which plan, since when and until when (rules 10, 12, 13, 16 and 23)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.books import BASE, CALLS, SEATS, SUPPORT, Books, in_short, lines
from tests.service.conftest import Api

pytestmark = [pytest.mark.books, pytest.mark.customers]


@pytest.fixture
def pro(books: Books) -> Books:
    """A customer, and a plan with a metered price to subscribe to."""
    books.meter()
    books.plan(BASE, CALLS)
    books.customer()
    return books


def test_a_subscription_says_what_the_interface_promises(pro: Books) -> None:
    made = pro.subscribe(key="main", metadata={"region": "eu"}, starts_at="2026-11-01T00:00:00Z")
    customer, plan = pro.api.get("/v1/customers/acme").json or {}, pro.api.get("/v1/plans/pro").json or {}
    assert made == {
        "id": made["id"], "key": "main", "customer": customer["id"], "customer_key": "acme", "plan": plan["id"],
        "plan_key": "pro", "plan_version": 1, "currency": "USD", "status": "active", "anchor": "calendar",
        "timezone": "UTC", "starts_at": "2026-11-01T00:00:00Z", "ends_at": None, "canceled_at": None,
        "trial_ends_at": None, "current_period": {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"},
        "quantities": {}, "overrides": {}, "changes": [], "pauses": [], "coupons": [], "coupon_keys": [],
        "own_usage": False, "metadata": {"region": "eu"}, "parked": None, "version": 1,
        "created_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:00:00Z",
    }
    assert pro.api.get("/v1/subscriptions/main").json == pro.api.get(f"/v1/subscriptions/{made['id']}").json == made


def test_a_start_takes_effect_at_the_beginning_of_its_local_day(books: Books) -> None:
    """The zone is the customer's when it was made, and stays (rule 13)."""
    books.plan(BASE)
    books.customer(timezone="America/New_York")
    made = books.subscribe(starts_at="2026-11-01T23:00:00+01:00", key="main")
    assert made["starts_at"] == "2026-11-01T04:00:00Z"
    assert books.api.patch("/v1/customers/acme", {"timezone": "Asia/Tokyo"}).status_code == 200
    again = books.api.get("/v1/subscriptions/main").json or {}
    assert (again["timezone"], again["current_period"]["to"]) == ("America/New_York", "2026-12-01T05:00:00Z")


def test_a_version_can_be_named_and_the_newest_is_the_usual(pro: Books) -> None:
    pro.subscribe(own_usage=True)
    version = {"name": "Pro", "currency": "USD", "interval": "month", "prices": [dict(BASE | {"amount": "20.00"})]}
    pro.api.made("/v1/plans/pro/versions", version)
    assert [pro.subscribe(plan=plan, own_usage=True)["plan_version"] for plan in ("pro", "pro@1", "pro@2")] == [2, 1, 2]
    assert [one["total"] for one in pro.billed("2026-09-15T00:00:00Z")] == ["10.00", "20.00", "10.00", "20.00"]


@pytest.mark.parametrize(("change", "field"), [
    ({"anchor": "monthly"}, "anchor"), ({"anchor": None}, "anchor"), ({"starts_at": "2026-09-01"}, "starts_at"),
    ({"quantities": {"calls": "1"}}, "quantities.calls"), ({"quantities": {"base": "1"}}, "quantities.base"),
    ({"quantities": {"x": "1"}}, "quantities.x"), ({"key": "sub_1"}, "key"), ({"status": "active"}, "status"),
    ({"id": "sub_1"}, "id"), ({"nonsense": 1}, "nonsense"), ({"own_usage": "yes"}, "own_usage"),
    ({"ends_at": "2026-09-01T00:00:00Z"}, "ends_at"), ({"ends_at": "2026-08-01T00:00:00Z"}, "ends_at"),
    ({"overrides": {"x": {"amount": "1"}}}, "overrides.x"), ({"overrides": {"base": 1}}, "overrides.base"),
    ({"overrides": {"base": {"amount": "1.234"}}}, "overrides.base.amount"),
    ({"overrides": {"base": {"key": "y"}}}, "overrides.base.key"),
    ({"overrides": {"calls": {"meter": None}}}, "overrides.calls.meter"),
    ({"overrides": {"base": {"nonsense": "1"}}}, "overrides.base.nonsense"),
])
def test_what_is_against_a_rule_is_named(pro: Books, change: Mapping[str, Any], field: str) -> None:
    """T45: unknown and read-only fields too."""
    answer = pro.api.post("/v1/subscriptions", pro.subscription(**change))
    assert (answer.status_code, (answer.json or {})["title"]) == (422, "Invalid input")
    assert field in [error["field"] for error in (answer.json or {})["errors"]]
    assert pro.api.every("/v1/subscriptions") == []


@pytest.mark.parametrize("quantities", [{}, {"seats": "-1"}, {"seats": None}, {"seats": "1", "other": "1"}])
def test_a_price_without_a_meter_needs_its_quantity(books: Books, quantities: Mapping[str, Any]) -> None:
    """Exactly those, and none below zero (rule 10)."""
    books.plan(BASE, SEATS)
    books.customer()
    assert books.api.post("/v1/subscriptions", books.subscription(quantities=quantities)).status_code == 422


def test_quantities_are_charged_to_the_last_digit(books: Books) -> None:
    """Fractions too (rule 5); none at all makes no line."""
    books.plan(SEATS)
    for key, seats in (("a", "2.005"), ("b", 0)):
        books.customer(key)
        books.subscribe(customer=key, quantities={"seats": seats}, starts_at="2026-11-01T00:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    assert [(line["quantity"], line["amount"]) for line in invoice["lines"]] == [("2.005", "5.01")]


def test_only_one_unit_of_the_calendar_has_calendar_periods(books: Books) -> None:
    """An interval_count of 1 (rule 12)."""
    books.plan(BASE, interval_count=2)
    books.customer()
    assert books.api.post("/v1/subscriptions", books.subscription()).status_code == 422
    assert books.subscribe(anchor="anniversary")["current_period"]["to"] == "2026-11-01T00:00:00Z"


@pytest.mark.parametrize(("interval", "inside", "end", "amount"), [
    ("week", "2026-09-01", "2026-09-07", "8.57"), ("quarter", "2026-08-01", "2026-10-01", "6.63"),
    ("year", "2026-07-01", "2027-01-01", "5.04"), ("month", "2026-09-30", "2026-10-01", "0.33"),
])
def test_calendar_periods_start_where_the_calendar_does(
    books: Books, interval: str, inside: str, end: str, amount: str
) -> None:
    """Weeks on Monday, quarters in January, April, July and October, years on 1 January; a start within one pays for
    its days (rules 12 and 13).
    """
    books.plan(BASE, interval=interval)
    books.customer()
    made = books.subscribe(starts_at=f"{inside}T00:00:00Z")
    assert made["current_period"] == {"from": f"{inside}T00:00:00Z", "to": f"{end}T00:00:00Z"}
    assert books.billed(f"{inside}T02:00:00Z")[0]["total"] == amount


def test_a_first_period_beyond_the_calendar_is_refused(books: Books) -> None:
    books.plan(BASE, interval="year", interval_count=100)
    books.customer()
    late = books.subscription(anchor="anniversary", starts_at="9950-01-01T00:00:00Z")
    assert books.api.post("/v1/subscriptions", late).status_code == 422


def test_a_customer_is_billed_in_one_currency(pro: Books) -> None:
    """The plan's must be the customer's, which stays while something is open (rule 23)."""
    pro.customer("eur", currency="EUR")
    answer = pro.api.post("/v1/subscriptions", pro.subscription(customer="eur"))
    assert (answer.status_code, (answer.json or {})["errors"][0]["field"]) == (422, "plan")
    pro.subscribe()
    assert pro.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 409
    draft = {"customer": "eur", "currency": "EUR", "lines": [{"description": "a", "quantity": "1", "unit_amount": "1"}]}
    invoice = pro.api.made("/v1/invoices", draft)
    assert pro.api.patch("/v1/customers/eur", {"currency": "USD"}).status_code == 409
    assert pro.api.delete(f"/v1/invoices/{invoice['id']}").status_code == 204
    assert pro.api.patch("/v1/customers/eur", {"currency": "USD"}).status_code == 200


def test_a_customer_goes_only_when_nothing_is_left_to_bill(pro: Books) -> None:
    """Also not between the end of its last subscription and the run that bills it."""
    subscription = pro.subscribe(plan=pro.plan(CALLS, key="usage")["id"], starts_at="2026-10-01T00:00:00Z")
    assert pro.api.delete("/v1/customers/acme").status_code == 409
    ended = pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    assert (ended["status"], ended["ends_at"]) == ("ended", "2026-11-01T00:00:00Z")
    assert pro.api.delete("/v1/customers/acme").status_code == 409
    assert pro.api.patch("/v1/customers/acme", {"currency": "EUR"}).status_code == 409
    assert pro.billed("2026-11-20T00:00:00Z") == []
    assert pro.api.delete("/v1/customers/acme").status_code == 204
    assert (pro.api.get(f"/v1/subscriptions/{subscription['id']}").json or {})["customer_key"] is None


def test_a_customer_with_invoices_stays(pro: Books) -> None:
    subscription = pro.subscribe(starts_at="2026-10-01T00:00:00Z")
    pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    pro.run("2026-11-20T00:00:00Z")
    assert pro.api.delete("/v1/customers/acme").status_code == 409


def test_one_meter_is_priced_by_one_subscription(pro: Books) -> None:
    """A second one must count only what names it (rule 16)."""
    first = pro.subscribe()
    answer = pro.api.post("/v1/subscriptions", pro.subscription())
    assert (answer.status_code, first["id"] in (answer.json or {})["detail"]) == (409, True)
    pro.subscribe(own_usage=True)
    pro.plan(BASE, key="flat")
    pro.subscribe(plan="flat")  # prices no meter
    pro.meter("other", event_type="other")
    pro.plan(CALLS | {"meter": "other"}, key="other")
    pro.subscribe(plan="other")
    pro.customer("beta")
    pro.subscribe(customer="beta")


def test_the_meter_is_free_again_after_the_end(pro: Books) -> None:
    """Half-open: the next may begin where the first ends (rule 16)."""
    first = pro.subscribe(starts_at="2026-11-01T00:00:00Z")
    pro.post_subscription(first, "cancel", {"at": "period_end"})
    early = pro.subscription(starts_at="2026-11-01T00:00:00Z")
    assert pro.api.post("/v1/subscriptions", early).status_code == 409
    assert pro.subscribe(starts_at="2026-12-01T00:00:00Z")["status"] == "scheduled"


def test_of_two_at_once_one_prices_the_meter(pro: Books) -> None:
    """A check alone would let both through (rule 16)."""
    def create(_: int) -> int:
        return pro.api.farthing_client().post("/v1/subscriptions", pro.subscription()).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(create, range(4))) == [201, 409, 409, 409]
    assert len(pro.api.every("/v1/subscriptions")) == 1


def test_events_count_for_the_subscription_they_name_or_the_customers_own(pro: Books) -> None:
    """What names a subscription is its alone; what names the customer, the one's without own_usage (rule 16)."""
    pro.subscribe(key="shared", plan=pro.plan(CALLS, key="usage")["id"], starts_at="2026-10-01T00:00:00Z")
    own = pro.subscribe(key="own", plan="usage", own_usage=True, starts_at="2026-10-01T00:00:00Z")
    for quantity, subject in (("1", "acme"), ("10", "shared"), ("100", "own"), ("1000", own["id"])):
        pro.use(quantity, "2026-10-07T12:00:00Z", quantity, subject)
    found = {one["subscription"]: one["lines"][0]["quantity"] for one in pro.billed("2026-11-20T00:00:00Z")}
    assert (found.pop(own["id"]), list(found.values())) == ("1100", ["11"])


def test_a_subscription_ends_with_its_period(pro: Books) -> None:
    """Usage and arrears of the last period are billed, and no new fee (rule 13)."""
    subscription = pro.subscribe(plan=pro.plan(BASE, SUPPORT, CALLS, key="mix")["id"], starts_at="2026-10-01T00:00:00Z")
    pro.run("2026-10-15T00:00:00Z")
    canceled = pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    assert (canceled["ends_at"], canceled["canceled_at"], canceled["status"]) == (
        "2026-11-01T00:00:00Z", "2026-11-20T12:00:00Z", "ended",
    )
    pro.use("1", "2026-10-31T23:59:59Z")
    pro.use("2", "2026-11-01T00:00:00Z")
    [last] = pro.billed("2026-11-20T00:00:00Z")
    assert lines(last) == [
        ("usage", "calls", "0.10", "2026-10-01", "2026-11-01"), ("fee", "support", "5.00", "2026-10-01", "2026-11-01"),
    ]
    ended = pro.api.get(f"/v1/subscriptions/{subscription['id']}").json or {}
    assert (ended["status"], ended["current_period"]) == ("ended", None)
    assert pro.billed("2026-11-20T00:00:00Z") == []


def test_cancelling_again_changes_nothing_until_the_end_is_billed(pro: Books) -> None:
    """Then it is too late (rule 13)."""
    subscription = pro.subscribe(starts_at="2026-11-01T00:00:00Z")
    first = pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    assert first["status"] == "canceled"
    assert pro.post_subscription(subscription, "cancel", {"at": "period_end"}) == first
    pro.api.clock.to("2026-12-02T00:00:00Z")  # it has ended, and nobody has billed that yet
    assert pro.post_subscription(subscription, "cancel", {"at": "period_end"})["version"] == first["version"]
    pro.run("2026-12-02T00:00:00Z")
    answer = pro.api.post(f"/v1/subscriptions/{subscription['id']}/cancel", {"at": "period_end"})
    assert (answer.status_code, "billed" in (answer.json or {})["detail"]) == (409, True)


def test_the_period_that_ends_is_the_one_after_the_last_closed_boundary(pro: Books) -> None:
    """Whatever the clock says: taking back the last invoice takes the period back too (rule 13)."""
    subscription = pro.subscribe(starts_at="2026-09-01T00:00:00Z")
    *_, last = pro.billed("2026-11-20T00:00:00Z")
    path = f"/v1/subscriptions/{subscription['id']}"
    assert (pro.api.get(path).json or {})["current_period"]["from"] == "2026-11-01T00:00:00Z"
    pro.post(last, "void")
    assert (pro.api.get(path).json or {})["current_period"]["from"] == "2026-10-01T00:00:00Z"
    assert pro.post_subscription(subscription, "cancel", {"at": "period_end"})["ends_at"] == "2026-11-01T00:00:00Z"
    assert pro.billed("2026-11-20T00:00:00Z") == []  # no usage in October, and no fee after the end


def test_a_cancellation_drops_the_drafts_behind_the_end(pro: Books) -> None:
    assert pro.api.patch("/v1/organization", {"grace_seconds": 90 * 86400}).status_code == 200
    subscription = pro.subscribe(starts_at="2026-09-01T00:00:00Z")
    assert len(pro.billed("2026-11-20T00:00:00Z")) == 3
    assert pro.post_subscription(subscription, "cancel", {"at": "period_end"})["ends_at"] == "2026-10-01T00:00:00Z"
    pro.use("1", "2026-09-07T12:00:00Z")
    assert [one["boundary"][:10] for one in pro.invoices()] == ["2026-09-01", "2026-10-01"]
    assert pro.api.patch("/v1/organization", {"grace_seconds": 0}).status_code == 200
    assert in_short(pro.billed("2026-11-20T00:00:00Z")) == [
        ("2026-09-01T00:00:00Z", "INV-2026-000001", "open", "10.00"),
        ("2026-10-01T00:00:00Z", "INV-2026-000002", "open", "0.10"),
    ]
    assert pro.invoices(status="draft") == []


@pytest.mark.parametrize(("body", "title"), [
    ({"at": "2026-08-31T00:00:00Z"}, "Invalid input"), ({"at": "soon"}, "Invalid input"),
    ({"at": None}, "Invalid input"), ({}, "Invalid input"),
    ({"at": "period_end", "reason": "x"}, "Invalid input"),
])
def test_another_moment_to_end_is_refused(pro: Books, body: Mapping[str, Any], title: str) -> None:
    subscription = pro.subscribe()
    answer = pro.api.post(f"/v1/subscriptions/{subscription['id']}/cancel", dict(body))
    assert (answer.status_code, (answer.json or {})["title"]) == (422, title)
    assert pro.api.every("/v1/subscriptions") == [subscription]


def test_a_key_names_one_subscription(pro: Books) -> None:
    pro.subscribe(key="main")
    assert pro.api.post("/v1/subscriptions", pro.subscription(key="main", own_usage=True)).status_code == 409
    elsewhere = Books(pro.api.stranger())
    elsewhere.plan(BASE)
    elsewhere.customer()
    assert elsewhere.subscribe(key="main")["key"] == "main"


def test_metadata_may_change_and_nothing_else(pro: Books) -> None:
    """T37, T45."""
    made = pro.subscribe(key="main", metadata={"a": 1, "b": "x"})
    path = "/v1/subscriptions/main"
    changed = pro.api.patch(path, {"metadata": {"a": None, "c": True}}, headers={"If-Match": f'"{made["version"]}"'})
    assert (changed.json or {})["metadata"] == {"b": "x", "c": True}
    stale = pro.api.patch(path, {"metadata": {}}, headers={"If-Match": f'"{made["version"]}"'})
    assert stale.status_code == 412
    unlawful: list[Any] = [
        {"plan": "pro"}, {"status": "ended"}, {"starts_at": None}, {"quantities": {}}, {"nonsense": None}, [],
    ]
    for patch in unlawful:
        assert pro.api.patch(path, patch).status_code == 422
    assert pro.api.get(path).json == changed.json


def test_subscriptions_are_found_by_what_they_are(pro: Books) -> None:
    pro.customer("beta")
    made = {
        "active": pro.subscribe(key="active"),
        "scheduled": pro.subscribe(key="scheduled", customer="beta", starts_at="2026-12-01T00:00:00Z"),
        "canceled": pro.subscribe(key="canceled", own_usage=True, starts_at="2026-11-01T00:00:00Z"),
        "ended": pro.subscribe(key="ended", own_usage=True),
    }
    for key in ("canceled", "ended"):
        pro.post_subscription(made[key], "cancel", {"at": "period_end"})
    for status in made:
        found = pro.api.every(f"/v1/subscriptions?status={status}")
        assert [(one["key"], one["status"]) for one in found] == [(status, status)]
    assert pro.api.every("/v1/subscriptions?status=paused") == []
    assert [one["key"] for one in pro.api.every("/v1/subscriptions?customer=beta")] == ["scheduled"]
    assert len(pro.api.every(f"/v1/subscriptions?customer={made['active']['customer']}")) == 3
    assert pro.api.get("/v1/subscriptions?customer=nobody").status_code == 404
    for query in ("status=new", "parked=1", "plan=pro"):
        assert pro.api.get(f"/v1/subscriptions?{query}").status_code == 422


def test_a_subscription_is_its_organizations_alone(pro: Books) -> None:
    """T44."""
    subscription = pro.subscribe(key="main")
    stranger = pro.api.stranger()
    for path in ("/v1/subscriptions/main", f"/v1/subscriptions/{subscription['id']}"):
        assert stranger.get(path).status_code == 404
        assert stranger.patch(path, {"metadata": {}}).status_code == 404
        assert stranger.post(f"{path}/cancel", {"at": "period_end"}).status_code == 404
    assert stranger.every("/v1/subscriptions") == []
    assert stranger.post("/v1/subscriptions", pro.subscription(customer=subscription["customer"])).status_code == 404
    Books(stranger).customer()
    assert stranger.post("/v1/subscriptions", pro.subscription(plan=subscription["plan"])).status_code == 404


def test_reading_and_writing_are_different_scopes(api: Api) -> None:
    books = Books(api)
    books.plan(BASE)
    books.customer()
    assert api.with_scopes("read").post("/v1/subscriptions", books.subscription()).status_code == 403
    assert api.with_scopes("write").post("/v1/subscriptions", books.subscription()).status_code == 201
    assert api.with_scopes("write").get("/v1/subscriptions").status_code == 403


def test_a_subscription_pays_for_its_days(books: Books) -> None:
    """Begun and ended within months: fees by local day, minimum and maximum shrunk with them (rules 9 and 13)."""
    calls = CALLS | {"minimum": "30.00", "maximum": "60.00"}
    books.customer_on(
        BASE, SUPPORT, calls, customer={"timezone": "Europe/Berlin"}, starts_at="2026-09-16T10:00:00+02:00",
        ends_at="2026-11-10T15:00:00+01:00",
    )
    books.use("1", "2026-09-15T21:59:59Z", "9999")  # the day before, in Berlin
    books.use("2", "2026-10-20T12:00:00Z", "400")
    books.use("3", "2026-11-10T22:59:59Z", "9999")
    books.use("4", "2026-11-10T23:00:00Z", "9999")  # the day after
    books.api.clock.to("2027-01-20T12:00:00Z")
    assert [lines(invoice) for invoice in books.billed("2027-01-20T12:00:00Z")] == [
        [("fee", "base", "5.00", "2026-09-15", "2026-09-30")],
        [
            ("usage", "calls", "15.00", "2026-09-15", "2026-09-30"),
            ("fee", "support", "2.50", "2026-09-15", "2026-09-30"),
            ("fee", "base", "10.00", "2026-09-30", "2026-10-31"),
        ],
        [
            ("usage", "calls", "40.00", "2026-09-30", "2026-10-31"),
            ("fee", "support", "5.00", "2026-09-30", "2026-10-31"),
            ("fee", "base", "3.33", "2026-10-31", "2026-11-10"),
        ],
        [
            ("usage", "calls", "20.00", "2026-10-31", "2026-11-10"),
            ("fee", "support", "1.67", "2026-10-31", "2026-11-10"),
        ],
    ]
    assert books.api.every("/v1/subscriptions")[0]["status"] == "ended"


def test_a_shortened_fee_is_explained_by_its_days(books: Books) -> None:
    books.customer_on(BASE, starts_at="2026-09-16T00:00:00Z")
    [invoice] = books.billed("2026-09-20T00:00:00Z")
    [line] = invoice["lines"]
    assert line["description"] == "Base fee (15 of 30 days)"
    told = books.api.get(f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain").json or {}
    assert (told["exact"], told["amount"], told["steps"][-1]["note"]) == ("5", "5.00", "15 of 30 days")


def test_a_trial_is_free_and_the_first_paid_period_starts_after_it(books: Books) -> None:
    """No fixed fee, free usage, and anniversaries of the day it ended (rules 12 and 15)."""
    books.customer_on(BASE, CALLS, plan={"trial_days": 14}, starts_at="2026-09-01T00:00:00Z", anchor="anniversary")
    books.use("1", "2026-09-14T23:59:59Z", "100")
    books.use("2", "2026-09-15T00:00:00Z", "7")
    books.api.clock.to("2026-09-10T00:00:00Z")
    [trial] = books.api.every("/v1/subscriptions?status=trialing")
    assert (trial["status"], trial["trial_ends_at"]) == ("trialing", "2026-09-15T00:00:00Z")
    assert trial["current_period"] == {"from": "2026-09-01T00:00:00Z", "to": "2026-09-15T00:00:00Z"}
    books.api.clock.to("2026-10-20T00:00:00Z")
    assert [lines(invoice) for invoice in books.billed("2026-10-20T00:00:00Z")] == [
        [("fee", "base", "10.00", "2026-09-15", "2026-10-15")],
        [
            ("usage", "calls", "0.70", "2026-09-15", "2026-10-15"),
            ("fee", "base", "10.00", "2026-10-15", "2026-11-15"),
        ],
    ]
    assert books.api.every("/v1/subscriptions?status=trialing") == []


def test_a_trial_canceled_in_time_costs_nothing(books: Books) -> None:
    """Rule 15."""
    subscription = books.customer_on(BASE, CALLS, plan={"trial_days": 14}, starts_at="2026-11-15T00:00:00Z")
    canceled = books.post_subscription(subscription, "cancel", {"at": "period_end"})
    assert (canceled["ends_at"], canceled["status"]) == ("2026-11-29T00:00:00Z", "canceled")
    books.use("1", "2026-11-16T00:00:00Z", "100")
    books.api.clock.to("2027-02-01T00:00:00Z")
    assert books.billed("2027-02-01T00:00:00Z") == []


def test_usage_may_be_billed_more_often_than_fees(books: Books) -> None:
    """A yearly fee, and its usage by the month (rule 25)."""
    plan = {"interval": "year", "usage_interval": "month"}
    books.customer_on(BASE, CALLS, plan=plan, starts_at="2025-10-15T00:00:00Z", anchor="anniversary")
    books.use("1", "2025-11-01T00:00:00Z", "7")
    books.use("2", "2026-10-14T00:00:00Z", "9")
    assert [lines(invoice) for invoice in books.billed("2026-11-01T00:00:00Z")] == [
        [("fee", "base", "10.00", "2025-10-15", "2026-10-15")],
        [("usage", "calls", "0.70", "2025-10-15", "2025-11-15")],
        [
            ("usage", "calls", "0.90", "2026-09-15", "2026-10-15"),
            ("fee", "base", "10.00", "2026-10-15", "2027-10-15"),
        ],
    ]


def test_prices_may_differ_for_one_subscription(books: Books) -> None:
    """Also by another model; the plan and the others stay as they are."""
    tiers = [{"up_to": "10", "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]
    overrides = {"base": {"amount": 4, "name": "Special"}, "calls": {"model": "graduated", "tiers": tiers}}
    made = books.customer_on(BASE, CALLS, overrides=overrides, starts_at="2026-09-01T00:00:00Z")
    assert made["overrides"]["base"] == {"amount": 4, "name": "Special"}
    books.customer("other")
    books.subscribe(customer="other", starts_at="2026-09-01T00:00:00Z")
    books.use("1", "2026-09-10T00:00:00Z", "12")
    books.use("2", "2026-09-10T00:00:00Z", "12", subject="other")
    billed = books.billed("2026-10-01T02:00:00Z")
    by_customer = {
        key: [line["amount"] for one in billed if one["customer"]["key"] == key for line in one["lines"]]
        for key in ("acme", "other")
    }
    assert by_customer == {"acme": ["4.00", "11.00", "4.00"], "other": ["10.00", "1.20", "10.00"]}
    [line] = [line for one in billed for line in one["lines"] if line["amount"] == "11.00"]
    invoice = next(one for one in billed if line in one["lines"])
    told = books.api.get(f"/v1/invoices/{invoice['id']}/lines/{line['id']}/explain").json or {}
    assert [step["amount"] for step in told["steps"]] == ["10", "1"]


def test_an_end_takes_effect_at_the_end_of_its_local_day(books: Books) -> None:
    """Now, at a time, or at a local midnight, which is itself the border (rule 13)."""
    books.customer_on(SUPPORT, CALLS, customer={"timezone": "Asia/Kolkata"}, starts_at="2026-11-01T00:00:00+05:30")
    [made] = books.api.every("/v1/subscriptions")
    for at, ends_at in (
        ("now", "2026-11-20T18:30:00Z"), ("2026-11-25T10:00:00Z", "2026-11-25T18:30:00Z"),
        ("2026-11-25T18:30:00Z", "2026-11-25T18:30:00Z"), ("period_end", "2026-11-30T18:30:00Z"),
    ):
        assert books.post_subscription(made, "cancel", {"at": at})["ends_at"] == ends_at
    books.post_subscription(made, "cancel", {"at": "2026-11-25T10:00:00Z"})
    books.api.clock.to("2026-12-02T00:00:00Z")
    books.use("1", "2026-11-25T18:29:59Z", "10")
    books.use("2", "2026-11-25T18:30:00Z", "1000")
    [last] = books.billed("2026-12-02T00:00:00Z")
    assert [(line["price"], line["amount"]) for line in last["lines"]] == [("calls", "1.00"), ("support", "4.17")]
    refused = books.api.post(f"/v1/subscriptions/{made['id']}/uncancel")
    assert refused.status_code == 409  # its end is billed


def test_a_cancellation_can_be_withdrawn_until_its_end_is_billed(pro: Books) -> None:
    """Then the subscription goes on as if nothing had been said (rule 13)."""
    subscription = pro.subscribe(starts_at="2026-11-01T00:00:00Z")
    path = f"/v1/subscriptions/{subscription['id']}/uncancel"
    assert pro.api.post(path).status_code == 409
    pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    again = pro.api.made(path, None)
    assert (again["status"], again["ends_at"], again["canceled_at"]) == ("active", None, None)
    pro.api.clock.to("2027-01-02T00:00:00Z")
    assert [one["total"] for one in pro.billed("2027-01-02T00:00:00Z")] == ["10.00", "10.00", "10.00"]


def test_withdrawing_returns_to_the_end_it_was_made_with(pro: Books) -> None:
    subscription = pro.subscribe(starts_at="2026-11-01T00:00:00Z", ends_at="2027-03-01T00:00:00Z")
    assert pro.post_subscription(subscription, "cancel", {"at": "period_end"})["ends_at"] == "2026-12-01T00:00:00Z"
    again = pro.api.made(f"/v1/subscriptions/{subscription['id']}/uncancel", None)
    assert (again["ends_at"], again["status"]) == ("2027-03-01T00:00:00Z", "active")
    assert pro.post_subscription(subscription, "cancel", {"at": "2028-01-01T00:00:00Z"})["ends_at"] == (
        "2027-03-01T00:00:00Z"
    )


def test_withdrawing_is_refused_when_another_has_taken_the_meter(pro: Books) -> None:
    """A customer's usage of a meter is billed by one subscription (rule 16)."""
    subscription = pro.subscribe(starts_at="2026-11-01T00:00:00Z")
    pro.post_subscription(subscription, "cancel", {"at": "period_end"})
    pro.subscribe(starts_at="2026-12-01T00:00:00Z")
    assert pro.api.post(f"/v1/subscriptions/{subscription['id']}/uncancel").status_code == 409


def test_one_that_has_not_begun_may_be_canceled_whole(pro: Books) -> None:
    subscription = pro.subscribe(starts_at="2027-01-15T00:00:00Z")
    assert pro.post_subscription(subscription, "cancel", {"at": "now"})["ends_at"] == "2027-01-15T00:00:00Z"
    pro.api.clock.to("2027-03-01T00:00:00Z")
    assert pro.billed("2027-03-01T00:00:00Z") == []
