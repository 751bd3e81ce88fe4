"""What a price charges, asked over HTTP and from the command line's own function (rules 1 to 10)."""

import json
from typing import Any

import pytest

from farthing.catalog.rates.service import rate_request
from farthing.kernel.problems import Invalid
from farthing.kernel.strict_json import loads
from tests.service.conftest import Api

UNIT: dict[str, Any] = {"key": "calls", "name": "Calls", "billing": "in_arrears"}
TIERS = [{"up_to": "1000", "unit_amount": "0.10"}, {"up_to": None, "unit_amount": "0.05", "flat_amount": "2"}]
GRADUATED = UNIT | {"model": "graduated", "tiers": TIERS}
VOLUME = UNIT | {"model": "volume", "tiers": TIERS}
PACKAGE = UNIT | {"model": "package", "package_size": "100", "package_amount": "7.50"}
PER_UNIT = UNIT | {"model": "per_unit", "unit_amount": "0.10"}
PERCENTAGE = UNIT | {"model": "percentage", "meter": "volume", "rate": "2.9", "fixed_amount": "0.30"}
MATRIX = UNIT | {
    "model": "matrix", "meter": "hours", "dimensions": ["region", "tier"],
    "cells": [{"values": ["eu", "1"], "unit_amount": "0.5"}, {"values": [None, "1"], "unit_amount": "9"}],
}


def rated(api: Api, price: dict[str, Any], quantity: object, currency: str = "USD") -> dict[str, Any]:
    answer = api.post("/v1/rate", {"price": price, "currency": currency, "quantity": quantity})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.json or {})


def refused(api: Api, **body: Any) -> dict[str, str]:
    """The messages of a 422, by field."""
    answer = api.post("/v1/rate", {"currency": "USD", "quantity": "1"} | body)
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return {error["field"]: error["message"] for error in (answer.json or {})["errors"]}


@pytest.mark.parametrize(("quantity", "graduated", "volume"), [
    ("0", "0.00", "0.00"),
    ("1000", "100.00", "100.00"),
    ("1000.5", "102.03", "52.03"),  # 100 + 0.025 + 2, and 50.025 + 2
    ("1001", "102.05", "52.05"),
])
def test_up_to_is_inclusive(api: Api, quantity: str, graduated: str, volume: str) -> None:
    """T16, rules 5 and 6: unit 1000 is in the tier, half a unit more is in the next."""
    assert rated(api, GRADUATED, quantity)["amount"] == graduated
    assert rated(api, VOLUME, quantity)["amount"] == volume


@pytest.mark.parametrize(("quantity", "amount"), [
    ("0", "0.00"), ("1", "7.50"), ("100", "7.50"), ("101", "15.00"), ("100.000000000001", "15.00"),
])
def test_every_started_package_counts(api: Api, quantity: str, amount: str) -> None:
    """T16, rule 7."""
    assert rated(api, PACKAGE, quantity)["amount"] == amount


def test_the_steps_explain_the_amount(api: Api) -> None:
    answer = rated(api, GRADUATED, "1001")
    assert answer["exact"] == "102.05"
    assert [
        (step["tier"], step["quantity"], step["unit_amount"], step["flat_amount"], step["amount"])
        for step in answer["steps"]
    ] == [(1, "1000", "0.1", "0", "100"), (2, "1", "0.05", "2", "2.05")]
    assert set(answer["steps"][0]) == {"tier", "quantity", "unit_amount", "flat_amount", "amount", "note"}


def test_a_step_says_only_what_it_has(api: Api) -> None:
    [step] = rated(api, UNIT | {"model": "flat", "amount": "10", "billing": "in_advance"}, "1")["steps"]
    assert set(step) == {"quantity", "amount", "note"}


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1"), ("USD", "0.50"), ("KWD", "0.501")])
def test_an_amount_is_rounded_once_to_its_currency(api: Api, currency: str, amount: str) -> None:
    """Half away from zero, at the currency's own decimals (rule 2)."""
    answer = rated(api, UNIT | {"model": "per_unit", "unit_amount": "0.5005"}, "1", currency)
    assert (answer["amount"], answer["exact"]) == (amount, "0.5005")


def test_no_digit_is_lost(api: Api) -> None:
    """38 digits times 38 digits (rule 1)."""
    nines = "9" * 38
    answer = rated(api, UNIT | {"model": "per_unit", "unit_amount": nines}, nines)
    assert answer["exact"] == str(int(nines) ** 2)
    assert answer["amount"] == f"{int(nines) ** 2}.00"


def test_a_json_number_is_taken_by_its_digits(api: Api) -> None:
    price = json.dumps(UNIT | {"model": "per_unit", "unit_amount": "1"})
    raw = f'{{"price": {price}, "currency": "USD", "quantity": 0.1000000000000000055511151231257827}}'
    answer = api.post("/v1/rate", data=raw, content_type="application/json")
    assert (answer.json or {})["exact"] == "0.1000000000000000055511151231257827"


def test_zero_has_no_sign(api: Api) -> None:
    """T14: `-0` is `0`; T04-like, a negative quantity is zero units (rule 4)."""
    answer = rated(api, UNIT | {"model": "per_unit", "unit_amount": "-0"}, "-0")
    assert (answer["amount"], answer["exact"]) == ("0.00", "0")
    assert rated(api, PER_UNIT, "-5") == {"amount": "0.00", "exact": "0", "steps": []}


@pytest.mark.parametrize(("price", "field"), [
    (UNIT | {"model": "per_unit", "unit_amount": "-1"}, "price.unit_amount"),
    (UNIT | {"model": "per_unit", "unit_amount": "1", "free_units": "-1"}, "price.free_units"),
    (UNIT | {"model": "flat", "amount": "1.234"}, "price.amount"),
    (UNIT | {"model": "package", "package_size": "0", "package_amount": "1"}, "price.package_size"),
    (UNIT | {"model": "graduated", "tiers": []}, "price.tiers"),
    (UNIT | {"model": "graduated", "tiers": [*TIERS[:1], *TIERS]}, "price.tiers[1].up_to"),
    (UNIT | {"model": "volume", "tiers": TIERS[:1]}, "price.tiers[0].up_to"),
    (UNIT | {"model": "volume", "tiers": [{"unit_amount": "1"}]}, "price.tiers[0].up_to"),
    (UNIT | {"model": "graduated", "tiers": [{"up_to": "x", "unit_amount": "1"}]}, "price.tiers[0].up_to"),
    (MATRIX | {"cells": [{"values": ["eu"], "unit_amount": "1"}]}, "price.cells[0].values"),
    (UNIT | {"model": "nonsense"}, "price.model"),
    (UNIT, "price.model"),
    (UNIT | {"model": ["flat"]}, "price.model"),
    (PER_UNIT | {"amount": "1"}, "price.amount"),
    (PER_UNIT | {"minimum": "2", "maximum": "1"}, "price.maximum"),
    (PER_UNIT | {"meter": "calls", "billing": "in_advance"}, "price.billing"),
    (PER_UNIT | {"tax_code": 1}, "price.tax_code"),
    (PERCENTAGE | {"free_events": "3"}, "price.free_events"),
    ("flat", "price"),
])
def test_an_unlawful_price_names_field_and_rule(api: Api, price: object, field: str) -> None:
    """T14."""
    assert field in refused(api, price=price)


@pytest.mark.parametrize("quantity", [
    "1e31", "1e-31", "1" * 39, "١٢", "1_000", " 1 ", "+1", "1.", ".5", "", True, None,
])
def test_a_quantity_is_a_decimal(api: Api, quantity: object) -> None:
    """T02, T04, T09."""
    assert "quantity" in refused(api, price=PER_UNIT, quantity=quantity)


@pytest.mark.parametrize("currency", ["usd", "XXX", "", "US", None])
def test_a_currency_is_of_iso_4217(api: Api, currency: object) -> None:
    """T13."""
    assert "currency" in refused(api, price=PER_UNIT, currency=currency)


def test_either_a_quantity_or_events(api: Api) -> None:
    assert "quantity" in refused(api, price=PER_UNIT, events=[{"quantity": "1"}])
    assert "quantity" in refused(api, price=PER_UNIT, quantity=None)


def test_models_that_look_at_each_event(api: Api) -> None:
    """2.9 % of 105 and 0.30 for each of two; a bare quantity is one event (rule 8)."""
    events = [{"quantity": "100"}, {"quantity": "5"}]
    body = {"price": PERCENTAGE, "currency": "USD", "events": events}
    assert api.made("/v1/rate", body)["exact"] == "3.645"
    assert rated(api, PERCENTAGE, "105")["exact"] == "3.345"


def test_a_matrix_never_gives_usage_away(api: Api) -> None:
    """1.0 and 1 are one value, null has its cell, and a combination without one is named (rule 10)."""
    def body(*events: dict[str, Any]) -> dict[str, Any]:
        return {"price": MATRIX, "currency": "USD", "events": list(events)}

    eu = {"quantity": "3", "properties": {"region": "eu", "tier": 1}}
    nowhere = {"quantity": "2", "properties": {"tier": "1"}}
    assert api.made("/v1/rate", body(eu, nowhere))["amount"] == "19.50"
    answer = api.post("/v1/rate", body(eu, {"quantity": "1", "properties": {"region": "us", "tier": "1"}}))
    assert answer.status_code == 422
    assert "'us'" in (answer.json or {})["detail"]


def test_filter_and_groups_hold_for_events(api: Api) -> None:
    """Each group is rated and rounded by itself; what the filter leaves out costs nothing (rule 10)."""
    price = PER_UNIT | {"meter": "m", "unit_amount": "0.005", "group_by": ["region"], "filter": {"kind": ["a"]}}
    kinds = [("eu", "a"), ("us", "a"), ("us", "b")]
    events = [{"quantity": "1", "properties": {"region": region, "kind": kind}} for region, kind in kinds]
    answer = api.made("/v1/rate", {"price": price, "currency": "USD", "events": events})
    assert (answer["amount"], answer["exact"]) == ("0.02", "0.01")


def test_the_minimum_is_a_step_of_its_own(api: Api) -> None:
    answer = rated(api, PER_UNIT | {"minimum": "5"}, "10")
    assert answer["amount"] == "5.00"
    assert [step["amount"] for step in answer["steps"]] == ["1", "4"]


def test_reading_is_enough(api: Api) -> None:
    body = {"price": PER_UNIT, "currency": "USD", "quantity": "3"}
    assert api.with_scopes("read").post("/v1/rate", body).status_code == 200
    assert api.with_scopes("ingest").post("/v1/rate", body).status_code == 403


def test_the_command_line_reads_the_same_json() -> None:
    body = {"price": {"model": "per_unit", "unit_amount": "0.10"}, "currency": "USD", "quantity": "3"}
    assert rate_request(loads(json.dumps(body).encode())).amount == "0.30"
    with pytest.raises(Invalid):
        rate_request(loads(b'{"price": {"model": "per_unit"}}'))


def test_a_null_property_is_a_missing_one(api: Api) -> None:
    """A matrix looks at null like any other value; a property too long is told by its place."""
    price = {
        "model": "matrix", "meter": "m", "dimensions": ["region"], "default_unit_amount": "1",
        "cells": [{"values": [None], "unit_amount": "2"}],
    }
    asked = {"price": price, "currency": "USD", "events": [{"quantity": "3", "properties": {"region": None}}]}
    assert api.made("/v1/rate", asked)["amount"] == "6.00"
    asked["events"] = [{"quantity": "3", "properties": {"region": "a" * 1001}}]
    refused = api.post("/v1/rate", asked)
    assert refused.status_code == 422
    assert refused.json is not None
    assert refused.json["errors"][0]["field"].startswith("events[0].properties.region")
