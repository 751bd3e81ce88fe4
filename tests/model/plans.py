"""Plans, prices and zones that the machine draws from."""

from typing import Any

from tests.model.paper import REDUCED

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo", "Europe/Berlin")
TIERS = [
    {"up_to": "3", "unit_amount": "31.00", "flat_amount": "5.00"}, {"up_to": None, "unit_amount": "20.10"},
]
# whole cents a day in a month of any length: 28 * 29 * 30 * 31 has all their divisors
EXACT = "3775.80"


def coded(key: str) -> dict[str, str]:
    """Some prices have a tax code of their own."""
    return {"tax_code": "reduced"} if key in REDUCED else {}


def fee(key: str, billing: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key, "model": "flat", "amount": "99.99", "billing": billing} | coded(key) | fields


def seats(billing: str, **fields: Any) -> dict[str, Any]:
    usual = {"key": "seats", "name": "Seats", "model": "per_unit", "unit_amount": "100.00", "billing": billing}
    if "model" in fields:
        del usual["unit_amount"]
    return usual | fields


def calls(**fields: Any) -> dict[str, Any]:
    usual = {"key": "calls", "name": "Calls", "model": "graduated", "meter": "calls", "billing": "in_arrears"}
    usual |= coded("calls")
    return usual | ({} if "model" in fields else {"tiers": TIERS}) | fields


def plan(key: str, *prices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key, "currency": "USD", "interval": "month", "prices": list(prices)} | fields


ADVANCE, ARREARS = "in_advance", "in_arrears"
PLANS = (
    plan("small", fee("base", ADVANCE, amount=EXACT), fee("support", ARREARS), calls(minimum="31.00")),
    plan("big", fee("base", ADVANCE, amount="9999.99"), fee("support", ARREARS, amount=EXACT), seats(ADVANCE),
         calls(model="per_unit", unit_amount="0.333", free_units="2", maximum="60.00")),
    plan("seated", fee("base", ARREARS), seats(ADVANCE, model="volume", tiers=TIERS),
         calls(model="package", package_size="4", package_amount="7.77", prorate=False, minimum="3.10")),
    plan("yearly", fee("base", ADVANCE, amount="36524.99"), fee("support", ARREARS, amount="365.00"), calls(),
         interval="year", usage_interval="month"),
    plan("quarterly", fee("base", ADVANCE, amount="910.00"), seats(ARREARS, model="graduated", tiers=TIERS),
         interval="quarter"),
    plan("whole", fee("base", ADVANCE, amount=EXACT), fee("platform", ADVANCE, amount="12.34", prorate=False),
         fee("licence", ARREARS, amount="5.55", prorate=False), calls()),
    plan("committed", fee("base", ADVANCE, amount="120.00"), calls(), minimum_commitment="400.00"),
    plan("weekly", fee("base", ADVANCE, amount="70.00"), calls(), interval="week"),
)
TRIALS = (plan("trial", fee("base", ADVANCE, amount=EXACT), fee("support", ARREARS), calls(), trial_days=10),)
