"""Plans and their versions over HTTP, on each store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event

from farthing.catalog import PlanNotFound
from farthing.catalog.plans.service import Plans
from farthing.catalog.plans.values import PlanInUse, PlanSubscribed
from farthing.catalog.prices.reading import price_from, stored_prices
from farthing.catalog.service import LocalCatalog
from farthing.kernel.credentials import operator
from farthing.kernel.ids import new_id
from farthing.kernel.problems import Invalid
from farthing.pricing.currencies import currency
from farthing.pricing.prices import Billing, Graduated, Tier
from tests.service.conftest import Api

BASE: dict[str, Any] = {"key": "base", "name": "Base fee", "model": "flat", "amount": "10.00", "billing": "in_advance"}
CALLS: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "graduated", "meter": "calls", "billing": "in_arrears",
    "tiers": [{"up_to": "1000", "unit_amount": "0.1"}, {"up_to": None, "unit_amount": "0.05"}],
}
PLAN: dict[str, Any] = {
    "key": "pro", "name": "Pro", "currency": "USD", "interval": "month", "prices": [BASE, CALLS],
}
VERSION = {name: value for name, value in PLAN.items() if name != "key"}
EVERY_MODEL: list[dict[str, Any]] = [
    BASE | {"amount": "1.50"},
    {"key": "seats", "name": "Seats", "model": "per_unit", "unit_amount": "0.00000005", "free_units": "2",
     "billing": "in_advance", "prorate": False},
    CALLS | {"key": "g", "group_by": ["region"], "filter": {"kind": ["a", "b"]}, "minimum": "1.00", "maximum": "9.00"},
    CALLS | {"key": "v", "model": "volume",
             "tiers": [{"up_to": "10.5", "flat_amount": "3"}, {"up_to": None, "unit_amount": "1"}]},
    {"key": "p", "name": "P", "model": "package", "package_size": "100", "package_amount": "7.5", "free_units": "1",
     "meter": "calls", "billing": "in_arrears"},
    {"key": "pct", "name": "Pct", "model": "percentage", "rate": "2.9", "fixed_amount": "0.3", "free_amount": "5",
     "free_events": 3, "minimum_per_event": "0.1", "maximum_per_event": "4", "meter": "calls",
     "billing": "in_arrears"},
    {"key": "gp", "name": "GP", "model": "graduated_percentage", "meter": "calls", "billing": "in_arrears",
     "tiers": [{"up_to": "100", "rate": "3"}, {"up_to": None, "rate": "2", "flat_amount": "1"}]},
    {"key": "m", "name": "M", "model": "matrix", "meter": "calls", "billing": "in_arrears",
     "dimensions": ["region", "tier"], "default_unit_amount": "1",
     "cells": [{"values": ["eu", None], "unit_amount": "0.5"}, {"values": ["us", "1"], "unit_amount": "0.25"}]},
    {"key": "d", "name": "D", "model": "dynamic", "meter": "calls", "billing": "in_arrears",
     "amount_property": "price"},
]


@pytest.fixture(autouse=True)
def _meter(api: Api) -> None:
    api.made("/v1/meters", {
        "key": "calls", "name": "Calls", "event_type": "call", "aggregation": "sum", "value": "quantity",
    })


@dataclass(frozen=True)
class Subscribed:
    """Billing with subscriptions to these versions."""

    versions: frozenset[int]

    def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
        return bool(self.versions) if version is None else version in self.versions


def plans_subscribed_to(api: Api, *versions: int) -> Plans:
    return Plans(api.farthing.database, api.farthing.now, new_id, Subscribed(frozenset(versions)))


def fields_refused(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return {error["field"] for error in answer.json["errors"]}


def test_a_plan_is_found_by_id_key_and_version(api: Api) -> None:
    made = api.made("/v1/plans", PLAN)
    assert made.items() >= (PLAN | {"version": 1, "interval_count": 1}).items()
    for reference in (made["id"], "pro", "pro@1", f"{made['id']}@1"):
        assert api.get(f"/v1/plans/{reference}").json == made
    for reference in ("pro@2", "pro@0", "pro@", "pro@x", "pro@1@1", "pro@01", "pro@-1", "@1", "pro@9999999999"):
        assert api.get(f"/v1/plans/{reference}").status_code == 404, reference


def test_every_model_comes_back_as_it_was_sent(api: Api) -> None:
    made = api.made("/v1/plans", PLAN | {"prices": EVERY_MODEL})
    assert made["prices"] == EVERY_MODEL
    assert (api.get("/v1/plans/pro").json or {})["prices"] == EVERY_MODEL


def test_numbers_come_back_in_canonical_form(api: Api) -> None:
    """Money with its currency's decimals, unit prices and quantities without needless zeros, nulls left out."""
    tiers = [{"up_to": 1000, "unit_amount": 0.10}, {"up_to": None, "unit_amount": "-0", "flat_amount": None}]
    prices = [BASE | {"amount": 10, "minimum": "5", "maximum": None}, CALLS | {"tiers": tiers, "meter": "calls"}]
    shown = api.made("/v1/plans", PLAN | {"prices": prices})["prices"]
    assert shown[0] == BASE | {"amount": "10.00", "minimum": "5.00"}
    assert shown[1]["tiers"] == [{"up_to": "1000", "unit_amount": "0.1"}, {"up_to": None, "unit_amount": "0"}]
    yen = api.made("/v1/plans", PLAN | {"key": "yen", "currency": "JPY", "prices": [BASE | {"amount": "10"}]})
    assert yen["prices"][0]["amount"] == "10"


def test_a_meter_named_by_id_is_shown_by_its_key(api: Api) -> None:
    meter = (api.get("/v1/meters/calls").json or {})["id"]
    assert api.made("/v1/plans", PLAN | {"prices": [CALLS | {"meter": meter}]})["prices"] == [CALLS]


@pytest.mark.parametrize(("price", "field"), [
    (CALLS | {"meter": "nope"}, "prices[1].meter"),
    (CALLS | {"key": "base"}, "prices[1].key"),
    (CALLS | {"billing": "in_advance"}, "prices[1].billing"),
    (CALLS | {"model": "flat", "tiers": None, "amount": "1"}, "prices[1].tiers"),
    (CALLS | {"tiers": [{"up_to": "1", "unit_amount": "1"}, {"up_to": "x"}]}, "prices[1].tiers[1].up_to"),
    (CALLS | {"tiers": [{"up_to": None, "unit_amount": "-1"}]}, "prices[1].tiers[0].unit_amount"),
    (CALLS | {"tiers": [{"up_to": None, "rate": "1"}]}, "prices[1].tiers[0].rate"),
    (CALLS | {"model": "magic"}, "prices[1].model"),
    (CALLS | {"tax_code": ""}, "prices[1].tax_code"),
    (CALLS | {"group_by": "region"}, "prices[1].group_by"),
    (CALLS | {"filter": {"kind": "a"}}, "prices[1].filter.kind"),
    (CALLS | {"id": "prc_1"}, "prices[1].id"),
    ({"key": "x"}, "prices[1].model"),
    ("flat", "prices[1]"),
])
def test_a_price_is_refused_by_its_path(api: Api, price: object, field: str) -> None:
    """T14, T45: nothing is stored, and the field is named as its author wrote it."""
    assert field in fields_refused(api.post("/v1/plans", PLAN | {"prices": [BASE, price]}))
    assert api.every("/v1/plans") == []


def test_a_model_needs_a_meter_of_its_kind(api: Api) -> None:
    """A percentage needs a sum (rule 8)."""
    api.made("/v1/meters", {"key": "n", "name": "N", "event_type": "call", "aggregation": "count"})
    price = {"key": "p", "name": "P", "model": "percentage", "rate": "1", "meter": "n", "billing": "in_arrears"}
    assert fields_refused(api.post("/v1/plans", PLAN | {"prices": [price]})) == {"prices[0].meter"}


def test_all_faults_are_told_at_once(api: Api) -> None:
    prices = [BASE | {"amount": "1.234"}, CALLS | {"meter": "nope", "tiers": []}]
    answer = api.post("/v1/plans", PLAN | {"prices": prices})
    assert fields_refused(answer) == {"prices[0].amount", "prices[1].meter", "prices[1].tiers"}


def test_a_commitment_is_money_of_the_plans_currency(api: Api) -> None:
    """Shown with its own decimals, changed and taken away like everything else of a version nobody subscribed to."""
    plan = api.made("/v1/plans", PLAN | {"minimum_commitment": "100"})
    assert plan["minimum_commitment"] == "100.00"
    assert (api.get(f"/v1/plans/{plan['key']}").json or {})["minimum_commitment"] == "100.00"
    changed = api.patch(f"/v1/plans/{plan['key']}", {"name": "Other"}).json or {}
    assert (changed["name"], changed["minimum_commitment"]) == ("Other", "100.00")
    without = api.patch(f"/v1/plans/{plan['key']}", {"minimum_commitment": None}).json or {}
    assert without["minimum_commitment"] is None


@pytest.mark.parametrize(("change", "field"), [
    ({"interval": "fortnight"}, "interval"), ({"interval_count": 0}, "interval_count"),
    ({"interval_count": 101}, "interval_count"), ({"interval_count": "2"}, "interval_count"),
    ({"usage_interval": "week"}, "usage_interval"), ({"usage_interval": "year"}, "usage_interval"),
    ({"usage_interval": "hour"}, "usage_interval"),
    ({"minimum_commitment": "-1"}, "minimum_commitment"), ({"minimum_commitment": "1.001"}, "minimum_commitment"),
    ({"minimum_commitment": "1e30"}, "minimum_commitment"), ({"minimum_commitment": "NaN"}, "minimum_commitment"),
    ({"trial_days": -1}, "trial_days"), ({"trial_days": 1.5}, "trial_days"),
    ({"currency": "usd"}, "currency"), ({"currency": "XXX"}, "currency"), ({"key": "pln_x"}, "key"),
    ({"prices": None}, "prices"), ({"id": "pln_1"}, "id"), ({"version": 2}, "version"),
    ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"), ({"metadata": {}}, "metadata"),
])
def test_what_cannot_be_is_refused_by_name(api: Api, change: dict[str, Any], field: str) -> None:
    """T45."""
    assert fields_refused(api.post("/v1/plans", PLAN | change)) == {field}


def test_a_key_names_one_plan(api: Api) -> None:
    api.made("/v1/plans", PLAN)
    assert api.post("/v1/plans", PLAN).status_code == 409


def test_a_new_version_leaves_the_old_one_alone(api: Api) -> None:
    first = api.made("/v1/plans", PLAN)
    answer = api.post("/v1/plans/pro/versions", VERSION | {"name": "Pro 2027", "prices": [BASE]})
    second = answer.json or {}
    assert (answer.status_code, second["version"], second["id"]) == (201, 2, first["id"])
    assert api.get(answer.headers["Location"]).json == second
    assert api.get("/v1/plans/pro").json == second
    assert api.get("/v1/plans/pro@1").json == first
    assert api.every("/v1/plans/pro/versions") == [first, second]
    assert api.every("/v1/plans") == [second]
    assert fields_refused(api.post("/v1/plans/pro/versions", PLAN)) == {"key"}
    assert fields_refused(api.post("/v1/plans/pro/versions", VERSION | {"migrate": True})) == {"migrate"}
    assert api.post("/v1/plans/nope/versions", VERSION).status_code == 404
    assert api.post("/v1/plans/pro@1/versions", VERSION).status_code == 409


def test_versions_are_paged_in_order(api: Api) -> None:
    api.made("/v1/plans", PLAN)
    for _ in range(11):
        api.made("/v1/plans/pro/versions", VERSION)
    page = api.get("/v1/plans/pro/versions?limit=9").json or {}
    rest = api.get(f"/v1/plans/pro/versions?limit=9&after={page['next']}").json or {}
    assert [plan["version"] for plan in page["data"] + rest["data"]] == list(range(1, 13))
    api.made("/v1/plans", PLAN | {"key": "other"})
    assert api.get(f"/v1/plans/other/versions?after={page['next']}").status_code == 422


def test_versions_made_at_once_have_their_own_numbers(api: Api) -> None:
    """Law: n calls make n versions, however they fall."""
    api.made("/v1/plans", PLAN)

    def make(_: int) -> int:
        return api.client.application.test_client().post(
            "/v1/plans/pro/versions", json=VERSION, headers={"Authorization": f"Bearer {api.secret}"}
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [201] * 8
    assert [plan["version"] for plan in api.every("/v1/plans/pro/versions")] == list(range(1, 10))


def test_an_unsubscribed_version_may_change(api: Api) -> None:
    made = api.made("/v1/plans", PLAN)
    answer = api.patch("/v1/plans/pro", {"name": "Pro+", "prices": [CALLS]})
    changed = answer.json or {}
    assert (changed["name"], changed["prices"], changed["version"]) == ("Pro+", [CALLS], 1)
    assert changed["created_at"] == made["created_at"]
    assert api.get("/v1/plans/pro").json == changed
    assert fields_refused(api.patch("/v1/plans/pro", {"key": "other"})) == {"key"}
    assert fields_refused(api.patch("/v1/plans/pro", {"name": None})) == {"name"}
    assert fields_refused(api.patch("/v1/plans/pro", {"version": 7})) == {"version"}
    assert fields_refused(api.patch("/v1/plans/pro", {"prices": [BASE | {"amount": "x"}]})) == {"prices[0].amount"}
    assert api.patch("/v1/plans/pro", ["name"]).status_code == 422


def test_the_etag_tells_versions_and_changes_apart(api: Api) -> None:
    """T37: `version` is the plan version, which a change does not raise; the ETag is raised all the same."""
    first = api.post("/v1/plans", PLAN).headers["ETag"]
    second = api.patch("/v1/plans/pro", {"name": "B"}, headers={"If-Match": first}).headers["ETag"]
    assert second != first
    assert api.patch("/v1/plans/pro", {"name": "C"}, headers={"If-Match": first}).status_code == 412
    assert api.get("/v1/plans/pro", headers={"If-None-Match": second}).status_code == 304
    assert api.get("/v1/plans/pro", headers={"If-None-Match": first}).status_code == 200
    third = api.post("/v1/plans/pro/versions", VERSION).headers["ETag"]
    assert api.delete("/v1/plans/pro", headers={"If-Match": second}).status_code == 412
    assert api.delete("/v1/plans/pro", headers={"If-Match": third}).status_code == 204


def test_a_patch_that_says_what_is_there_changes_nothing(api: Api) -> None:
    answer = api.post("/v1/plans", PLAN)
    same = api.patch("/v1/plans/pro", PLAN)
    assert (same.json, same.headers["ETag"]) == (answer.json, answer.headers["ETag"])


@pytest.mark.together
def test_a_subscribed_version_never_changes(api: Api) -> None:
    api.made("/v1/plans", PLAN)
    caller, plans = operator(api.organization), plans_subscribed_to(api, 1)
    with pytest.raises(PlanSubscribed, match="POST /v1/plans/pro/versions"):
        plans.update(caller, "pro", {"name": "Other"})
    with pytest.raises(PlanInUse):
        plans.delete(caller, "pro")
    api.made("/v1/plans/pro/versions", VERSION)
    assert plans.update(caller, "pro", {"name": "Other"}).version == 2
    with pytest.raises(PlanInUse):
        plans.delete(caller, "pro")
    assert api.patch("/v1/plans/pro@1", {"name": "Other"}).status_code == 409
    assert (api.get("/v1/plans/pro@1").json or {})["name"] == "Pro"


def test_a_plan_goes_with_all_versions(api: Api) -> None:
    api.made("/v1/plans", PLAN)
    api.made("/v1/plans/pro/versions", VERSION)
    assert api.delete("/v1/plans/pro@1").status_code == 422
    assert api.delete("/v1/plans/pro").status_code == 204
    assert [api.get(f"/v1/plans/pro{version}").status_code for version in ("", "@1", "@2")] == [404] * 3
    assert api.made("/v1/plans", PLAN)["version"] == 1


def test_another_organisation_sees_nothing(api: Api) -> None:
    """T44: the same answer as for a plan that never was, and its own meters only."""
    made = api.made("/v1/plans", PLAN)
    stranger = api.stranger()
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("PATCH", "", {"name": "Mine"}), ("DELETE", "", None), ("GET", "/versions", None),
        ("POST", "/versions", VERSION | {"prices": []}), ("GET", "@1", None),
    ]
    for method, rest, body in calls:
        answer = stranger.call(method, f"/v1/plans/{made['id']}{rest}", body)
        assert answer.status_code == 404, (method, rest)
    assert stranger.every("/v1/plans") == []
    assert fields_refused(stranger.post("/v1/plans", PLAN)) == {"prices[1].meter"}
    assert stranger.farthing[LocalCatalog].plans(stranger.organization, [(made["id"], 1)]) == {}
    assert api.every("/v1/plans") == [made]


def test_billing_reads_plans_as_values(api: Api) -> None:
    made = api.made("/v1/plans", PLAN | {"interval": "quarter", "interval_count": 2})
    catalog = api.farthing[LocalCatalog]
    plan = catalog.plan(api.organization, "pro@1", hold=True)
    assert (plan.id, plan.version, plan.interval.unit, plan.interval.count) == (made["id"], 1, "quarter", 2)
    tiers = (Tier(Decimal(1000), Decimal("0.1")), Tier(None, Decimal("0.05")))
    assert plan.prices[1].charge == Graduated(tiers)
    assert (plan.prices[1].meter, plan.prices[1].billing, plan.prices[1].prorate) == ("calls", Billing.IN_ARREARS, True)
    with pytest.raises(PlanNotFound):
        catalog.plan(api.organization, "pro@2")


@pytest.mark.together
def test_many_versions_cost_one_question(api: Api, statements: Callable[[], int]) -> None:
    wanted = []
    for number in range(4):
        made = api.made("/v1/plans", PLAN | {"key": f"p{number}"})
        api.made(f"/v1/plans/p{number}/versions", VERSION)
        wanted.append((made["id"], 1 + number % 2))
    catalog = api.farthing[LocalCatalog]
    before = statements()
    found = catalog.plans(api.organization, [*wanted, (wanted[0][0], 9), ("pln_no", 1)])
    assert statements() - before == 1
    assert set(found) == set(wanted)
    assert all(plan.version == version for (_, version), plan in found.items())


@pytest.fixture
def statements(api: Api) -> Any:
    """How many questions have been asked so far."""
    count = 0

    def executed(connection: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal count
        count += statement.startswith("SELECT")

    event.listen(api.farthing.database.engine, "before_cursor_execute", executed)
    yield lambda: count
    event.remove(api.farthing.database.engine, "before_cursor_execute", executed)


def test_a_stored_version_is_read_once(api: Api) -> None:
    api.made("/v1/plans", PLAN | {"name": "Read once", "prices": [BASE | {"name": "Never seen before"}]})
    catalog = api.farthing[LocalCatalog]
    catalog.plan(api.organization, "pro")
    before = stored_prices.cache_info().misses
    assert catalog.plan(api.organization, "pro").prices is catalog.plan(api.organization, "pro").prices
    assert stored_prices.cache_info().misses == before


def test_a_price_can_be_read_from_its_document(api: Api) -> None:
    """For overrides: the fields of a price laid over what the catalogue shows."""
    api.made("/v1/plans", PLAN | {"prices": EVERY_MODEL})
    plan = api.farthing[LocalCatalog].plan(api.organization, "pro")
    usd = currency("USD")
    assert [price_from(document, usd) for document in plan.documents] == list(plan.prices)
    with pytest.raises(Invalid) as caught:
        price_from({**plan.documents[0], "amount": "-1"}, usd, at="overrides.base")
    assert [error.field for error in caught.value.errors] == ["overrides.base.amount"]
    with pytest.raises(Invalid) as caught:
        price_from({**plan.documents[0], "amount": "x"}, usd, at="overrides.base")
    assert [error.field for error in caught.value.errors] == ["overrides.base.amount"]


def test_writing_needs_its_scope(api: Api) -> None:
    reader = api.with_scopes("read")
    assert reader.post("/v1/plans", PLAN).status_code == 403
    api.made("/v1/plans", PLAN)
    assert reader.get("/v1/plans/pro").status_code == 200
    assert reader.patch("/v1/plans/pro", {"name": "x"}).status_code == 403
    assert reader.post("/v1/plans/pro/versions", VERSION).status_code == 403
    assert reader.delete("/v1/plans/pro").status_code == 403


def test_a_plan_and_its_meter_go_or_stay_together(api: Api) -> None:
    """However a new plan and the end of its meter fall, no plan prices a meter that is gone."""
    def call(number: int) -> tuple[int, int]:
        key = f"m{number}"
        api.made("/v1/meters", {"key": key, "name": key, "event_type": "call", "aggregation": "count"})
        plan = PLAN | {"key": key, "prices": [CALLS | {"meter": key}]}
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(asked, api, "DELETE", f"/v1/meters/{key}", None)
            made = pool.submit(asked, api, "POST", "/v1/plans", plan)
            return made.result(), deleted.result()

    assert {call(number) for number in range(12)} <= {(201, 409), (422, 204)}


def asked(api: Api, method: str, path: str, body: Any) -> int:
    """The status of a call over a connection of its own."""
    headers = {"Authorization": f"Bearer {api.secret}"}
    answer = api.client.application.test_client().open(path, method=method, json=body, headers=headers)
    return answer.status_code


@pytest.mark.together
def test_a_plan_that_is_being_subscribed_to_waits_for_its_change(api: Api) -> None:
    """The change looks whether anybody has subscribed only once the subscription is there."""
    api.made("/v1/plans", PLAN)
    subscribing, changed = Event(), Event()

    class Uses:
        def subscribed(self, organization: str, plan_id: str, version: int | None = None) -> bool:
            return subscribing.is_set()

    plans = Plans(api.farthing.database, api.farthing.now, new_id, Uses())

    def change() -> type[Exception] | None:
        try:
            plans.update(operator(api.organization), "pro", {"name": "Other"})
        except PlanSubscribed as error:
            return type(error)
        finally:
            changed.set()
        return None

    with ThreadPoolExecutor(1) as pool:
        with api.farthing.database.write():
            api.farthing[LocalCatalog].plan(api.organization, "pro", hold=True)
            outcome = pool.submit(change)
            assert not changed.wait(0.2)
            subscribing.set()
        assert outcome.result() is PlanSubscribed
    assert (api.get("/v1/plans/pro").json or {})["name"] == "Pro"
