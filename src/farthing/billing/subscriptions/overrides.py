"""Prices that differ for one subscription from those of its plan."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from farthing.billing.subscriptions.changes import Overrides
from farthing.catalog import Plan, price_from
from farthing.kernel.problems import FieldError, Invalid
from farthing.kernel.strict_json import dumps, loads
from farthing.pricing.currencies import currency
from farthing.pricing.prices import Price

FIXED: Final = ("key", "meter", "billing")  # what would make it another price
OF_EVERY_MODEL: Final = (*FIXED, "name", "prorate", "group_by", "filter", "minimum", "maximum", "tax_code")


def checked_overrides(plan: Plan, given: Mapping[str, Mapping[str, object]]) -> Overrides:
    """The overrides, if each makes a lawful price of the plan's; raises Invalid naming each field and rule."""
    known = {price.key for price in plan.prices}
    errors = [FieldError(f"overrides.{key}", f"is no price of plan {plan.key}") for key in given if key not in known]
    errors += [
        FieldError(f"overrides.{key}.{name}", "cannot be overridden: it would be another price")
        for key, fields in given.items() for name in FIXED if name in fields
    ]
    if errors:
        raise Invalid(f"{errors[0].field} {errors[0].message}.", errors)
    for key, fields in given.items():
        price_from(_laid(plan, key, fields), currency(plan.currency), at=f"overrides.{key}")
    found: Overrides = json.loads(dumps(dict(given)), parse_float=str)
    return found


def overridden(plan: Plan, overrides: Overrides) -> Plan:
    """The plan as it holds with these laid over it."""
    if not overrides:
        return plan
    prices = tuple(
        _price(dumps(_laid(plan, price.key, overrides[price.key])), plan.currency)
        if price.key in overrides else price for price in plan.prices
    )
    return replace(plan, prices=prices)


def _laid(plan: Plan, key: str, fields: Mapping[str, object]) -> dict[str, object]:
    """The plan's price with these fields laid over it; another model brings all its own."""
    place = next(index for index, price in enumerate(plan.prices) if price.key == key)
    document = dict(plan.documents[place])
    if fields.get("model", document["model"]) != document["model"]:
        document = {name: value for name, value in document.items() if name in OF_EVERY_MODEL}
    return {name: value for name, value in (document | dict(fields)).items() if value is not None}


@lru_cache(maxsize=1024)
def _price(document: bytes, code: str) -> Price:
    return price_from(loads(document), currency(code))
