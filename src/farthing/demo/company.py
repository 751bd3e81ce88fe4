"""The sample company: what it counts, and its price list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]  # Any: what one would send to the interface

COMPANY: Final[Json] = {
    "name": "Kestrel API (sample)",
    "legal_name": "Kestrel API Ltd (sample)",
    "email": "billing@kestrel.example",
    "timezone": "UTC",
    "currency": "USD",
    "address": {"line1": "1 Harbour Street", "city": "Dublin", "country": "IE"},
}

METERS: Final[Sequence[Json]] = (
    {"key": "api_calls", "name": "API calls", "event_type": "api.request", "aggregation": "sum", "value": "calls",
     "group_by": ["endpoint"]},
    {"key": "messages", "name": "Messages", "event_type": "message.sent", "aggregation": "sum", "value": "messages",
     "group_by": ["channel"]},
    {"key": "payment_volume", "name": "Payment volume", "event_type": "payment.processed", "aggregation": "sum",
     "value": "amount"},
    {"key": "compute_hours", "name": "Compute hours", "event_type": "compute.used", "aggregation": "sum",
     "value": "hours", "group_by": ["region", "tier"]},
    {"key": "storage", "name": "Storage", "event_type": "storage.sampled", "aggregation": "max",
     "value": "gigabytes", "group_by": ["bucket"]},
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan in one currency; a plan of the interface has exactly one (rule 23)."""

    plan: str
    currency: str
    prices: Sequence[Json]

    @property
    def key(self) -> str:
        return offer_key(self.plan, self.currency)

    @property
    def body(self) -> Json:
        """The plan as it is sent."""
        name = f"{self.plan.capitalize()} ({self.currency})"
        return {"key": self.key, "name": name, "currency": self.currency, "interval": "month",
                "prices": list(self.prices)}


def offer_key(plan: str, currency: str) -> str:
    return f"{plan}-{currency.lower()}"


def starter(fee: str, call: str, later_call: str) -> Sequence[Json]:
    """A base fee in advance; 10,000 calls are free, and those beyond 100,000 are cheaper: each tier by itself."""
    return (
        {"key": "base", "name": "Base fee", "model": "flat", "billing": "in_advance", "amount": fee},
        {"key": "calls", "name": "API calls", "model": "graduated", "billing": "in_arrears", "meter": "api_calls",
         "tiers": [{"up_to": "10000", "unit_amount": "0"}, {"up_to": "100000", "unit_amount": call},
                   {"up_to": None, "unit_amount": later_call}]},
    )


def growth(minimum: str, call: str, many_calls: str, most_calls: str) -> Sequence[Json]:
    """No base fee but a minimum; the more calls, the cheaper all of them."""
    return (
        {"key": "calls", "name": "API calls", "model": "volume", "billing": "in_arrears", "meter": "api_calls",
         "minimum": minimum,
         "tiers": [{"up_to": "100000", "unit_amount": call}, {"up_to": "500000", "unit_amount": many_calls},
                   {"up_to": None, "unit_amount": most_calls}]},
    )


def messaging(thousand: str) -> Sequence[Json]:
    """Messages in packages of a thousand, of which every started one is charged; the first 500 are free."""
    return (
        {"key": "messages", "name": "Messages", "model": "package", "billing": "in_arrears", "meter": "messages",
         "package_size": "1000", "package_amount": thousand, "free_units": "500"},
    )


def payments(rate: str, fixed: str, most: str) -> Sequence[Json]:
    """A share of each payment and a fixed amount, capped; the first ten payments are free."""
    return (
        {"key": "processing", "name": "Payment processing", "model": "percentage", "billing": "in_arrears",
         "meter": "payment_volume", "rate": rate, "fixed_amount": fixed, "maximum_per_event": most,
         "free_events": 10},
    )


def cloud(seat: str, basic_hour: str, fast_hour: str, gigabyte: str) -> Sequence[Json]:
    """Seats in advance, compute by region and tier, and storage bucket by bucket."""
    return (
        {"key": "seats", "name": "Seats", "model": "per_unit", "billing": "in_advance", "unit_amount": seat},
        {"key": "compute", "name": "Compute hours", "model": "matrix", "billing": "in_arrears",
         "meter": "compute_hours", "dimensions": ["region", "tier"],
         "cells": [{"values": ["eu", "basic"], "unit_amount": basic_hour},
                   {"values": ["eu", "fast"], "unit_amount": fast_hour},
                   {"values": ["us", "fast"], "unit_amount": fast_hour}],
         "default_unit_amount": basic_hour},
        {"key": "storage", "name": "Storage", "model": "per_unit", "billing": "in_arrears", "meter": "storage",
         "unit_amount": gigabyte, "free_units": "5", "group_by": ["bucket"]},
    )


OFFERS: Final = (
    Offer("starter", "USD", starter("29.00", "0.0020", "0.0012")),
    Offer("starter", "EUR", starter("27.00", "0.0018", "0.0011")),
    Offer("starter", "JPY", starter("4200", "0.30", "0.18")),
    Offer("starter", "INR", starter("1900.00", "0.16", "0.10")),
    Offer("starter", "NPR", starter("2900.00", "0.26", "0.16")),
    Offer("growth", "USD", growth("250.00", "0.0015", "0.0010", "0.0006")),
    Offer("growth", "GBP", growth("200.00", "0.0012", "0.0008", "0.0005")),
    Offer("growth", "AUD", growth("380.00", "0.0023", "0.0015", "0.0009")),
    Offer("messaging", "USD", messaging("8.00")),
    Offer("messaging", "EUR", messaging("7.50")),
    Offer("messaging", "KWD", messaging("2.450")),
    Offer("payments", "USD", payments("1.4", "0.25", "20.00")),
    Offer("payments", "EUR", payments("1.2", "0.22", "18.00")),
    Offer("payments", "JPY", payments("1.6", "30", "2500")),
    Offer("payments", "KWD", payments("1.5", "0.075", "6.000")),
    Offer("cloud", "USD", cloud("12.00", "0.0431", "0.1170", "0.021")),
    Offer("cloud", "EUR", cloud("11.00", "0.0399", "0.1085", "0.019")),
    Offer("cloud", "CHF", cloud("11.50", "0.0415", "0.1120", "0.020")),
    Offer("cloud", "JPY", cloud("1800", "6.4", "17.5", "3.1")),
)
