"""Meters over HTTP, on each store."""

from typing import Any

import pytest

from farthing.catalog.service import LocalCatalog
from tests.service.conftest import Api

METER: dict[str, Any] = {
    "key": "tokens", "name": "Tokens", "event_type": "llm.call", "aggregation": "sum", "value": "tokens",
    "group_by": ["model", "region"], "filter": {"kind": ["input", "output"]},
}


def fields_refused(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return {error["field"] for error in answer.json["errors"]}


def meter_at(api: Api, second: int) -> dict[str, Any]:
    """A meter made at this second: those of one millisecond have no order."""
    api.clock.to(f"2026-11-20T12:00:0{second}Z")
    return api.made("/v1/meters", METER | {"key": f"m{second}"})


def test_a_meter_is_found_by_id_and_by_key(api: Api) -> None:
    made = api.made("/v1/meters", METER)
    assert made.items() >= (METER | {"late_usage": "bill_next", "version": 1}).items()
    assert api.get(f"/v1/meters/{made['id']}").json == api.get("/v1/meters/tokens").json == made
    assert api.every("/v1/meters") == [made]


def test_201_says_where_it_is(api: Api) -> None:
    answer = api.post("/v1/meters", METER)
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert api.get(answer.headers["Location"]).json == answer.json


def test_a_key_names_one_meter(api: Api) -> None:
    api.made("/v1/meters", METER)
    assert api.post("/v1/meters", METER | {"name": "Other"}).status_code == 409
    assert api.stranger().post("/v1/meters", METER).status_code == 201


@pytest.mark.parametrize("aggregation", ["sum", "max", "min", "latest", "unique_count", "average", "weighted_sum"])
def test_what_looks_at_a_value_needs_one(api: Api, aggregation: str) -> None:
    """All but a count do (rule 17)."""
    body = {name: value for name, value in METER.items() if name != "value"} | {"aggregation": aggregation}
    assert fields_refused(api.post("/v1/meters", body)) == {"value"}
    api.made("/v1/meters", body | {"value": "tokens"})


def test_a_count_takes_no_value(api: Api) -> None:
    assert fields_refused(api.post("/v1/meters", METER | {"aggregation": "count"})) == {"value"}
    assert api.made("/v1/meters", METER | {"aggregation": "count", "value": None})["value"] is None


@pytest.mark.parametrize(("change", "field"), [
    ({"aggregation": "median"}, "aggregation"),
    ({"key": "mtr_mine"}, "key"),
    ({"key": "a@2"}, "key"),
    ({"key": None}, "key"),
    ({"event_type": ""}, "event_type"),
    ({"group_by": "model"}, "group_by"),
    ({"group_by": ["model", "model"]}, "group_by"),
    ({"group_by": [3]}, "group_by[0]"),
    ({"filter": {"kind": "input"}}, "filter.kind"),
    ({"filter": {"kind": []}}, "filter.kind"),
    ({"filter": {"kind": [1]}}, "filter.kind[0]"),
    ({"late_usage": "forget"}, "late_usage"),
    ({"late_usage": None}, "late_usage"),
    ({"id": "mtr_1"}, "id"),
    ({"version": 3}, "version"),
    ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ({"organization": "org_1"}, "organization"),
    ({"surprise": 1}, "surprise"),
])
def test_what_cannot_be_is_refused_by_name(api: Api, change: dict[str, Any], field: str) -> None:
    """T45 and T09."""
    assert fields_refused(api.post("/v1/meters", METER | change)) == {field}
    assert api.every("/v1/meters") == []


def test_what_becomes_of_late_usage_is_fixed(api: Api) -> None:
    made = api.made("/v1/meters", METER | {"late_usage": "ignore"})
    assert made["late_usage"] == "ignore"
    assert (api.patch("/v1/meters/tokens", {"name": "All"}).json or {})["late_usage"] == "ignore"
    assert fields_refused(api.patch("/v1/meters/tokens", {"late_usage": "bill_next"})) == {"late_usage"}


def test_only_the_name_changes(api: Api) -> None:
    made = api.made("/v1/meters", METER)
    answer = api.patch("/v1/meters/tokens", METER | {"name": "All tokens"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert (answer.json or {})["name"] == "All tokens"
    assert (answer.json or {})["version"] == made["version"] + 1


@pytest.mark.parametrize("change", [
    {"key": "other"}, {"event_type": "other"}, {"aggregation": "max"}, {"value": "other"}, {"group_by": ["model"]},
    {"filter": {"kind": ["input"]}}, {"filter": None},
])
def test_what_usage_has_followed_is_fixed(api: Api, change: dict[str, Any]) -> None:
    made = api.made("/v1/meters", METER)
    answer = api.patch("/v1/meters/tokens", change)
    assert fields_refused(answer) == set(change)
    assert "fixed" in (answer.json or {})["detail"]
    assert api.get("/v1/meters/tokens").json == made


def test_a_stale_etag_changes_nothing(api: Api) -> None:
    """T37."""
    tag = api.post("/v1/meters", METER).headers["ETag"]
    assert api.patch("/v1/meters/tokens", {"name": "A"}, headers={"If-Match": tag}).status_code == 200
    assert api.patch("/v1/meters/tokens", {"name": "B"}, headers={"If-Match": tag}).status_code == 412
    assert api.delete("/v1/meters/tokens", headers={"If-Match": tag}).status_code == 412
    assert (api.get("/v1/meters/tokens").json or {})["name"] == "A"


def test_a_priced_meter_stays(api: Api) -> None:
    """T22: the delete is refused and names the plan; without the plan it goes."""
    api.made("/v1/meters", METER)
    api.made("/v1/plans", {
        "key": "pro", "name": "Pro", "currency": "USD", "interval": "month",
        "prices": [{"key": "t", "name": "T", "model": "per_unit", "unit_amount": "1", "meter": "tokens",
                    "billing": "in_arrears"}],
    })
    answer = api.delete("/v1/meters/tokens")
    assert answer.status_code == 409
    assert "pro@1" in (answer.json or {})["detail"]
    assert api.delete("/v1/plans/pro").status_code == 204
    assert api.delete("/v1/meters/tokens").status_code == 204
    assert api.get("/v1/meters/tokens").status_code == 404


def test_a_plan_that_no_longer_prices_a_meter_lets_it_go(api: Api) -> None:
    api.made("/v1/meters", METER)
    price = {"key": "t", "name": "T", "model": "per_unit", "unit_amount": "1", "billing": "in_arrears"}
    plan = {"key": "pro", "name": "Pro", "currency": "USD", "interval": "month"}
    api.made("/v1/plans", plan | {"prices": [price | {"meter": "tokens"}]})
    assert api.delete("/v1/meters/tokens").status_code == 409
    assert api.patch("/v1/plans/pro", {"prices": [price]}).status_code == 200
    assert api.delete("/v1/meters/tokens").status_code == 204


def test_another_organisation_sees_nothing(api: Api) -> None:
    """T44: the same answer as for an id that never was."""
    made = api.made("/v1/meters", METER)
    stranger = api.stranger()
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        for reference in (made["id"], made["key"]):
            answer = stranger.call(method, f"/v1/meters/{reference}", body)
            assert answer.status_code == 404
            assert (answer.json or {})["detail"] == f"There is no meter {reference}."
    assert stranger.every("/v1/meters") == []
    assert api.every("/v1/meters") == [made]


def test_the_list_is_paged_by_age(api: Api) -> None:
    made = [meter_at(api, second)["id"] for second in range(5)]
    first = api.get("/v1/meters?limit=2").json or {}
    meter_at(api, 5)
    second = api.get(f"/v1/meters?limit=200&after={first['next']}").json or {}
    seen = [meter["id"] for meter in first["data"] + second["data"]]
    assert seen[:5] == made
    assert len(seen) == 6
    assert second["next"] is None


def test_other_rooms_get_all_meters_at_once(api: Api) -> None:
    keys = [meter_at(api, second)["key"] for second in range(3)]
    catalog = api.farthing[LocalCatalog]
    assert [meter.key for meter in catalog.meters(api.organization)] == keys
    assert catalog.meter(api.organization, "m1").filter == {"kind": ("input", "output")}
    assert catalog.meters(api.stranger().organization) == []


def test_writing_needs_its_scope(api: Api) -> None:
    reader = api.with_scopes("read", "ingest")
    assert reader.post("/v1/meters", METER).status_code == 403
    api.made("/v1/meters", METER)
    assert reader.get("/v1/meters/tokens").status_code == 200
    assert reader.delete("/v1/meters/tokens").status_code == 403
