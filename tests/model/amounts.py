"""What quantities cost, with fractions (rules 2, and 4 to 10)."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

Price = Mapping[str, Any]


def rounded(exact: Fraction, decimals: int = 2) -> Fraction:
    """Half away from zero."""
    scale = 10**decimals
    units = floor(abs(exact) * scale + Fraction(1, 2))
    return Fraction(units if exact >= 0 else -units, scale)


def cost(price: Price, quantity: Fraction) -> Fraction:
    """A whole period of a price, before its minimum and maximum."""
    if price["model"] == "flat":
        return Fraction(price["amount"])
    units = max(quantity, Fraction(0))
    if price["model"] == "graduated":
        return graduated(price["tiers"], units)
    if price["model"] == "volume":
        return volume(price["tiers"], units)
    paid = max(units - Fraction(price.get("free_units", 0)), Fraction(0))
    if price["model"] == "package":
        return ceil(paid / Fraction(price["package_size"])) * Fraction(price["package_amount"])
    return paid * Fraction(price["unit_amount"])


def graduated(tiers: list[Mapping[str, Any]], units: Fraction) -> Fraction:
    total, below = Fraction(0), Fraction(0)
    for tier in tiers:
        top = units if tier["up_to"] is None else min(units, Fraction(tier["up_to"]))
        if top > below:
            total += (top - below) * Fraction(tier.get("unit_amount", 0)) + Fraction(tier.get("flat_amount", 0))
            below = top
    return total


def volume(tiers: list[Mapping[str, Any]], units: Fraction) -> Fraction:
    if not units:
        return Fraction(0)
    whole = next(tier for tier in tiers if tier["up_to"] is None or units <= Fraction(tier["up_to"]))
    return units * Fraction(whole.get("unit_amount", 0)) + Fraction(whole.get("flat_amount", 0))


def held(price: Price, amount: Fraction, share: Fraction) -> Fraction:
    """Between the price's minimum and maximum, which shrink with a partial period of a price that is prorated."""
    shrunk = share if price.get("prorate", True) else Fraction(1)
    if price.get("minimum") is not None:
        amount = max(amount, Fraction(price["minimum"]) * shrunk)
    if price.get("maximum") is not None:
        amount = min(amount, Fraction(price["maximum"]) * shrunk)
    return amount
