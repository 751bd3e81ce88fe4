"""A customer's books in a few words, for tests that are about what is billed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.service.conftest import Api

BASE: dict[str, Any] = {
    "key": "base", "name": "Base fee", "model": "flat", "amount": "10.00", "billing": "in_advance",
}
SUPPORT: dict[str, Any] = {
    "key": "support", "name": "Support", "model": "flat", "amount": "5.00", "billing": "in_arrears",
}
SEATS: dict[str, Any] = {
    "key": "seats", "name": "Seats", "model": "per_unit", "unit_amount": "2.50", "billing": "in_advance",
}
CALLS: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "per_unit", "unit_amount": "0.10", "meter": "calls",
    "billing": "in_arrears",
}
BY_REGION: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "matrix", "meter": "calls", "billing": "in_arrears",
    "dimensions": ["region"], "cells": [{"values": ["eu"], "unit_amount": "0.10"}],
}


@dataclass(frozen=True)
class Books:
    """What a test says of its organisation, with defaults for the rest."""

    api: Api

    def meter(self, key: str = "calls", **fields: Any) -> dict[str, Any]:
        usual = {"name": "Calls", "event_type": "call", "aggregation": "sum", "value": "quantity"}
        return self.api.made("/v1/meters", usual | {"key": key} | fields)

    def plan(self, *prices: Mapping[str, Any], key: str = "pro", **fields: Any) -> dict[str, Any]:
        usual = {"name": "Pro", "currency": "USD", "interval": "month"}
        return self.api.made("/v1/plans", usual | {"key": key, "prices": [dict(each) for each in prices]} | fields)

    def customer(self, key: str = "acme", **fields: Any) -> dict[str, Any]:
        return self.api.made("/v1/customers", {"key": key, "name": key.title()} | fields)

    def subscription(self, **fields: Any) -> dict[str, Any]:
        """What a POST of a subscription says unless told otherwise."""
        usual = {"customer": "acme", "plan": "pro", "starts_at": "2026-09-01T00:00:00Z", "anchor": "calendar"}
        return usual | fields

    def subscribe(self, **fields: Any) -> dict[str, Any]:
        return self.api.made("/v1/subscriptions", self.subscription(**fields))

    def customer_on(self, *prices: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """A customer subscribed to a plan with these prices, and the meter that they may name."""
        self.meter()
        self.plan(*prices, **fields.pop("plan", {}))
        self.customer(**fields.pop("customer", {}))
        return self.subscribe(**fields)

    def use(self, id: str, time: str, quantity: str = "1", subject: str = "acme", **data: Any) -> None:
        event = {"id": id, "type": "call", "subject": subject, "time": time, "data": {"quantity": quantity} | data}
        assert self.api.made("/v1/events", [event])["accepted"] == 1

    def void_event(self, id: str) -> None:
        self.api.made("/v1/events/void", {"id": id})

    def run(self, as_of: str, **fields: Any) -> dict[str, Any]:
        """A bill run that has ended well."""
        begun = self.api.made("/v1/bill-runs", {"as_of": as_of} | fields)
        run = self.api.get(f"/v1/bill-runs/{begun['id']}").json
        assert run is not None
        assert run["status"] == "completed", run
        return dict(run)

    def billed(self, as_of: str, **fields: Any) -> list[dict[str, Any]]:
        """The invoices that a run made or finalised, in the order of their numbers."""
        run = self.run(as_of, **fields)
        found = self.api.every(f"/v1/invoices?bill_run={run['id']}")
        assert run["invoices"] == len(found)
        return sorted(found, key=lambda invoice: invoice["number"] or "")

    def invoices(self, **query: str) -> list[dict[str, Any]]:
        return self.api.every("/v1/invoices?" + "&".join(f"{name}={value}" for name, value in query.items()))

    def one_off(self, amount: str, finalize: bool = True, **fields: Any) -> dict[str, Any]:
        """An invoice of one line that somebody wrote."""
        line = {"description": "Setup", "quantity": "1", "unit_amount": amount}
        draft = self.api.made("/v1/invoices", {"customer": "acme", "currency": "USD", "lines": [line]} | fields)
        return self.post(draft, "finalize") if finalize else draft

    def post_subscription(self, subscription: Mapping[str, Any], verb: str, body: Any = None) -> dict[str, Any]:
        return self.api.made(f"/v1/subscriptions/{subscription['id']}/{verb}", body)

    def post(self, invoice: Mapping[str, Any], verb: str, body: Any = None) -> dict[str, Any]:
        return self.api.made(f"/v1/invoices/{invoice['id']}/{verb}", body)


def lines(invoice: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Its lines in short: reason, price, amount, and the local days of the period in UTC."""
    return [
        (line["reason"], line["price"], line["amount"], line["period"]["from"][:10], line["period"]["to"][:10])
        for line in invoice["lines"]
    ]


def in_short(invoices: list[dict[str, Any]]) -> list[tuple[str, str | None, str, str]]:
    """Invoices in short: boundary, number, status, total."""
    return [(one["boundary"], one["number"], one["status"], one["total"]) for one in invoices]
