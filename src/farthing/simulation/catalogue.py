"""What the simulated company counts and sells: each aggregation and model, and tax rates of several countries."""

from collections.abc import Sequence
from typing import Any, Final

from farthing.pricing.currencies import currency

Json = dict[str, Any]  # Any: what one would send to the interface
UNITS: Final = {"USD": 1, "EUR": 1, "JPY": 140, "KWD": 3}  # of each for one of the price list, in whole minor units

METERS: Final[Sequence[Json]] = (
    {"key": "calls", "name": "API calls", "event_type": "call", "aggregation": "sum", "value": "calls",
     "group_by": ["region"]},
    {"key": "messages", "name": "Messages", "event_type": "message", "aggregation": "count"},
    {"key": "volume", "name": "Payment volume", "event_type": "payment", "aggregation": "sum", "value": "amount"},
    {"key": "compute", "name": "Compute hours", "event_type": "compute", "aggregation": "sum", "value": "hours",
     "group_by": ["region", "tier"]},
    {"key": "storage", "name": "Storage", "event_type": "storage", "aggregation": "max", "value": "gigabytes"},
    {"key": "users", "name": "Active users", "event_type": "visit", "aggregation": "unique_count", "value": "user"},
    {"key": "machines", "name": "Machines", "event_type": "machines", "aggregation": "weighted_sum", "value": "level"},
    {"key": "load", "name": "Mean load", "event_type": "load", "aggregation": "average", "value": "percent"},
    {"key": "version", "name": "Licences", "event_type": "licences", "aggregation": "latest", "value": "count"},
)

TAX_RATES: Final[Sequence[Json]] = (
    {"key": "de", "name": "Umsatzsteuer", "percent": "19", "inclusive": True, "country": "DE"},
    {"key": "de-support", "name": "Umsatzsteuer, reduced", "percent": "7", "inclusive": True, "country": "DE",
     "tax_code": "support"},
    {"key": "fr", "name": "TVA", "percent": "20", "country": "FR"},
    {"key": "jp", "name": "Consumption tax", "percent": "10", "inclusive": True, "country": "JP"},
    {"key": "us-ny", "name": "Sales tax", "percent": "8.875", "country": "US", "region": "NY"},
    {"key": "br-iss", "name": "ISS", "percent": "5", "country": "BR"},
    {"key": "br-pis", "name": "PIS", "percent": "0.65", "country": "BR"},
    {"key": "in", "name": "GST", "percent": "18", "country": "IN"},
    {"key": "kw", "name": "Zero rated", "percent": "0", "country": "KW", "category": "Z"},
)


def price_in(code: str, cents: int) -> str:
    """An amount of the price list in a currency: as many whole minor units of it for each cent, one or more."""
    decimals = currency(code).decimals
    units = cents if decimals == 2 else max(1, cents * UNITS[code] // (100 if decimals == 0 else 1))
    text = f"{units:0{decimals + 1}}"
    return f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text


def coupons(code: str) -> list[Json]:
    """Percentages and amounts, for one invoice, for some and for ever; and one that is soon used up."""
    name = code.lower()
    return [
        {"key": f"welcome-{name}", "name": "Welcome", "percent": "33.333", "duration": "once"},
        {"key": f"loyal-{name}", "name": "Loyal", "percent": "7.5", "duration": "forever"},
        {"key": f"start-{name}", "name": "Start", "amount": price_in(code, 1234), "currency": code,
         "duration": {"invoices": 3}},
        {"key": f"base-{name}", "name": "Half of the base fee", "percent": "50", "duration": {"invoices": 2},
         "applies_to": ["base", "seats"]},
        {"key": f"rare-{name}", "name": "Rare", "percent": "90", "duration": "once", "max_redemptions": 2},
    ]


def plans(code: str) -> list[Json]:
    """Every model and interval, in one currency."""
    def at(cents: int) -> str:
        return price_in(code, cents)

    def plan(key: str, interval: str, *prices: Json, **more: Any) -> Json:  # Any: JSON
        return {"key": f"{key}-{code.lower()}", "name": f"{key.capitalize()} ({code})", "currency": code,
                "interval": interval, "prices": list(prices), **more}

    base = {"key": "base", "name": "Base fee", "model": "flat", "billing": "in_advance"}
    return [
        plan("starter", "month", base | {"amount": at(2900)}, _calls(at), trial_days=14),
        plan("team", "month", _seats(at), _messages(at), base | {
            "key": "support", "name": "Support", "amount": at(1999), "billing": "in_arrears", "tax_code": "support",
        }, minimum_commitment=at(9900)),
        plan("scale", "month", *_scale(at)),
        plan("payments", "month", *_payments(at)),
        plan("yearly", "year", base | {"amount": at(99_000)}, _yearly_calls(at), usage_interval="month"),
        plan("weekly", "week", base | {"amount": at(777), "prorate": False}, _machines(at)),
        plan("quarterly", "quarter", _seats_by_volume(at), _users(at), usage_interval="month"),
        plan("daily", "day", _storage(at), _messages(at) | {"minimum": at(11), "maximum": at(99)}),
        plan("fortnight", "week", base | {"amount": at(1300)}, _load(at), interval_count=2),
    ]


def _calls(at: Any) -> Json:  # Any: an amount from cents
    return {
        "key": "calls", "name": "API calls", "model": "graduated", "billing": "in_arrears", "meter": "calls",
        "tiers": [{"up_to": "1000", "unit_amount": "0"}, {"up_to": "5000.5", "unit_amount": "0.0123"},
                  {"up_to": None, "unit_amount": "0.0071", "flat_amount": at(250)}],
    }


def _seats(at: Any) -> Json:  # Any: as above
    return {"key": "seats", "name": "Seats", "model": "per_unit", "billing": "in_advance", "unit_amount": at(1250)}


def _seats_by_volume(at: Any) -> Json:  # Any: as above
    return {
        "key": "seats", "name": "Seats", "model": "volume", "billing": "in_advance",
        "tiers": [{"up_to": "5", "unit_amount": at(3000)}, {"up_to": None, "unit_amount": at(2500)}],
    }


def _messages(at: Any) -> Json:  # Any: as above
    return {
        "key": "messages", "name": "Messages", "model": "package", "billing": "in_arrears", "meter": "messages",
        "package_size": "10", "package_amount": at(45), "free_units": "3",
    }


def _scale(at: Any) -> list[Json]:  # Any: as above
    return [
        {"key": "calls", "name": "API calls", "model": "volume", "billing": "in_arrears", "meter": "calls",
         "group_by": ["region"], "minimum": at(500), "maximum": at(50_000),
         "tiers": [{"up_to": "2000", "unit_amount": "0.015"}, {"up_to": None, "unit_amount": "0.0125"}]},
        {"key": "compute", "name": "Compute", "model": "matrix", "billing": "in_arrears", "meter": "compute",
         "dimensions": ["region", "tier"], "default_unit_amount": "0.333", "cells": [
             {"values": ["eu", "fast"], "unit_amount": "0.777"}, {"values": ["us", "basic"], "unit_amount": "0.21"},
         ]},
    ]


def _payments(at: Any) -> list[Json]:  # Any: as above
    return [
        {"key": "fee", "name": "Payment fee", "model": "percentage", "billing": "in_arrears", "meter": "volume",
         "rate": "1.45", "fixed_amount": at(25), "free_events": 2, "maximum_per_event": at(900)},
        {"key": "service", "name": "Service", "model": "graduated_percentage", "billing": "in_arrears",
         "meter": "volume", "tiers": [{"up_to": "1000", "rate": "0.5"}, {"up_to": None, "rate": "0.25"}]},
        {"key": "passed-on", "name": "Passed on", "model": "dynamic", "billing": "in_arrears", "meter": "volume",
         "amount_property": "cost"},
    ]


def _yearly_calls(at: Any) -> Json:  # Any: as above
    return {"key": "calls", "name": "API calls", "model": "per_unit", "billing": "in_arrears", "meter": "calls",
            "unit_amount": "0.009", "free_units": "500"}


def _machines(at: Any) -> Json:  # Any: as above
    return {"key": "machines", "name": "Machines", "model": "per_unit", "billing": "in_arrears", "meter": "machines",
            "unit_amount": at(1900)}


def _users(at: Any) -> Json:  # Any: as above
    return {"key": "users", "name": "Users", "model": "per_unit", "billing": "in_arrears", "meter": "users",
            "unit_amount": at(150)}


def _storage(at: Any) -> Json:  # Any: as above
    return {"key": "storage", "name": "Storage", "model": "per_unit", "billing": "in_arrears", "meter": "storage",
            "unit_amount": "0.0175"}


def _load(at: Any) -> Json:  # Any: as above
    return {"key": "load", "name": "Load", "model": "per_unit", "billing": "in_arrears", "meter": "load",
            "unit_amount": "0.11"}
