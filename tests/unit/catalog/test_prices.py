"""Prices between their JSON and the values that are rated."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.catalog.prices.reading import price_from, stored_prices
from farthing.catalog.prices.schemas import MODELS, document, picked
from farthing.kernel.problems import Invalid
from farthing.kernel.strict_json import dumps, loads
from farthing.pricing.aggregation import Aggregation
from farthing.pricing.currencies import currency
from farthing.pricing.prices import Graduated, Price, violations

USD = currency("USD")
METERED = {"meter": "m", "billing": "in_arrears"}


def decimals(places: int = 6) -> st.SearchStrategy[str]:
    """Lawful amounts, written in any of the ways in which a number may be written."""
    numbers = st.integers(min_value=0, max_value=10**9).map(lambda n: Decimal(n).scaleb(-places))
    return numbers.flatmap(lambda n: st.sampled_from([format(n, "f"), f"{n * 10:f}e-1", format(n, "f") + "0"]))


def money() -> st.SearchStrategy[str]:
    return st.integers(min_value=0, max_value=10**9).map(lambda n: format(Decimal(n).scaleb(-2), "f"))


@st.composite
def tiers(draw: st.DrawFn, of: str) -> list[dict[str, Any]]:
    ends = sorted(draw(st.sets(st.integers(min_value=1, max_value=10**6), max_size=4)))
    return [{"up_to": end, of: draw(decimals())} for end in [*map(str, ends), None]]


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    """A lawful price of each model, as its author would send it."""
    model = draw(st.sampled_from(sorted(MODELS)))
    amount, unit = draw(money()), draw(decimals())
    fields: dict[str, dict[str, Any]] = {
        "flat": {"amount": amount, "billing": "in_advance"},
        "per_unit": {"unit_amount": unit, "free_units": draw(decimals()), "billing": "in_advance"},
        "graduated": METERED | {"tiers": draw(tiers("unit_amount"))},
        "volume": METERED | {"tiers": draw(tiers("flat_amount"))},
        "package": METERED | {"package_size": "100", "package_amount": unit},
        "percentage": METERED | {"rate": unit, "free_events": draw(st.integers(0, 9))},
        "graduated_percentage": METERED | {"tiers": draw(tiers("rate"))},
        "matrix": METERED | {"dimensions": ["r"], "cells": [{"values": [draw(st.sampled_from(["a", None]))],
                                                             "unit_amount": unit}]},
        "dynamic": METERED | {"amount_property": "price"},
    }
    extra = draw(st.fixed_dictionaries({}, optional={"prorate": st.booleans(), "minimum": money()}))
    return {"key": "k", "name": "N", "model": model} | fields[model] | extra


def read(sent: dict[str, Any]) -> Price:
    return price_from(sent, USD, Aggregation.SUM)


@given(charges())
def test_what_is_stored_reads_back_as_what_was_sent(sent: dict[str, Any]) -> None:
    """Law: the document of a price is the same price, and its own document."""
    schema = picked(loads(dumps(sent)))
    shown = document(schema, schema.meter, USD)
    [price], [again] = stored_prices(json.dumps([shown]))
    assert price == read(sent) == read(shown)
    assert again == shown
    assert document(picked(loads(dumps(shown))), price.meter, USD) == shown


@given(charges())
def test_what_is_lawful_here_is_lawful_to_pricing(sent: dict[str, Any]) -> None:
    assert violations(read(sent), USD, Aggregation.SUM) == ()


@given(charges(), st.data())
def test_a_field_taken_away_or_made_up_is_named(sent: dict[str, Any], data: st.DataObject) -> None:
    """Law: what a model needs is needed, and what it does not know is refused."""
    with pytest.raises(Invalid) as caught:
        read(sent | {"surprise": data.draw(st.sampled_from([1, "1", None, [], {}]))})
    assert [error.field for error in caught.value.errors] == ["surprise"]
    schema = MODELS[sent["model"]]
    needed = sorted(name for name, field in schema.model_fields.items() if field.is_required())
    gone = data.draw(st.sampled_from(needed))
    with pytest.raises(Invalid) as caught:
        read({name: value for name, value in sent.items() if name != gone})
    assert gone in [error.field for error in caught.value.errors]


def test_money_is_shown_with_its_currency_and_unit_prices_as_fine_as_they_are() -> None:
    sent = {"key": "k", "name": "N", "model": "per_unit", "billing": "in_advance", "unit_amount": "0.000500",
            "minimum": "5", "maximum": "7.5"}
    shown = document(picked(loads(dumps(sent))), None, USD)
    assert (shown["unit_amount"], shown["minimum"], shown["maximum"]) == ("0.0005", "5.00", "7.50")


@pytest.mark.parametrize("at", ["", "prices[3]", "overrides.base"])
def test_a_refusal_names_the_path_it_was_told(at: str) -> None:
    sent = {"key": "k", "name": "N", "model": "graduated", "tiers": [{"up_to": None, "unit_amount": "x"}]} | METERED
    for bad, rest in ((sent, "tiers[0].unit_amount"), (sent | {"model": "?"}, "model"),
                      (sent | {"tiers": []}, "tiers")):
        with pytest.raises(Invalid) as caught:
            price_from(bad, USD, at=at)
        assert [error.field for error in caught.value.errors] == [f"{at}.{rest}".lstrip(".")]


def test_a_price_says_what_its_lines_are_for_taxes() -> None:
    sent = {"key": "k", "name": "N", "model": "flat", "amount": "1", "billing": "in_advance", "tax_code": "x"}
    assert read(sent).tax_code == "x"
    assert read(sent | {"tax_code": None}).tax_code is None


def test_the_order_of_tiers_is_kept() -> None:
    ends = ["1", "10.5", "1e2", None]
    sent = {"key": "k", "name": "N", "model": "graduated",
            "tiers": [{"up_to": end, "unit_amount": "1"} for end in ends]} | METERED
    charge = read(sent).charge
    assert isinstance(charge, Graduated)
    assert [tier.up_to for tier in charge.tiers] == [Decimal(1), Decimal("10.5"), Decimal(100), None]
