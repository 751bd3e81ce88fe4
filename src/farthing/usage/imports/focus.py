"""FOCUS, the FinOps Foundation's columns for cloud bills: a row of usage is an event of its sub-account."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from farthing.usage.imports import tables
from farthing.usage.imports.files import Names
from farthing.usage.imports.tables import Table, checked_header, table
from farthing.usage.imports.values import BadFile, Row

SOURCE: Final = "focus"
TYPE: Final = "focus.usage"
NEEDED: Final = ("SubAccountId", "ChargePeriodStart", "PricingQuantity", "ChargeCategory")
DIMENSIONS: Final = ("SkuPriceId", "ListUnitPrice")
KEPT: Final = (
    *DIMENSIONS, "SkuId", "PricingUnit", "PricingCategory", "ConsumedQuantity", "ConsumedUnit", "ServiceName",
    "ServiceCategory", "RegionId", "RegionName", "AvailabilityZone", "ResourceId", "ResourceName", "ResourceType",
    "ProviderName", "PublisherName", "InvoiceIssuerName", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ListCost", "BilledCost", "EffectiveCost", "BillingCurrency", "BillingAccountId", "BillingAccountName",
    "SubAccountName", "Tags",
)
TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII)
METER: Final = "focus-usage"
PLAN: Final = "focus"


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """The rows of usage; `source` is "focus" unless told otherwise. Empty and NULL cells are missing."""
    return usage_of(table(stream, NEEDED), source)


def usage_of(found: Table, source: str | None) -> Iterator[Row]:
    """The usage in a table with the columns of FOCUS."""
    names = Names()
    for row in found.rows:
        every = found.named(row)
        if row.problem is not None:
            yield Row(row.line, every, row.problem)
            continue
        cells = {name: cell for name, cell in every.items() if cell not in ("", "NULL")}
        name = names.name(row.text)
        if (category := cells.get("ChargeCategory")) != "Usage":
            yield Row(row.line, every, left_out=f"is a charge of the category {category}, not Usage")
            continue
        yield Row(row.line, _event(cells, name, SOURCE if source is None else source))


def read_either(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """A table of events, or one of FOCUS where it has those columns."""
    return rows_of_either(table(stream), source)


def rows_of_either(found: Table, source: str | None) -> Iterator[Row]:
    """The events or the usage in a table; raises BadFile where its columns are those of neither."""
    if all(name in found.header for name in NEEDED):
        return usage_of(found, source)
    checked_header(found.header, tables.NEEDED)
    return tables.events_of(found, source)


def _event(cells: Mapping[str, object], name: str, source: str) -> dict[str, object]:
    event: dict[str, object] = {"id": name, "source": source, "type": TYPE}
    if "SubAccountId" in cells:
        event["subject"] = cells["SubAccountId"]
    if "ChargePeriodStart" in cells:
        event["time"] = _time(str(cells["ChargePeriodStart"]))
    data = {part: cells[part] for part in KEPT if part in cells}
    if "PricingQuantity" in cells:
        data["quantity"] = cells["PricingQuantity"]
    event["data"] = data
    return event


def _time(text: str) -> str:
    """RFC 3339 of the forms that providers use, UTC where they name no zone; any other stays to be refused."""
    match = TIME.fullmatch(text)
    if match is None:
        return text
    zone = match[3] or "Z"
    if zone not in ("Z", "UTC") and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{match[1]}T{match[2]}{'Z' if zone == 'UTC' else zone}"


@dataclass(frozen=True, slots=True)
class FocusCatalogue:
    """What has to exist for a file's usage to be billed at its list prices: bodies as the interface takes them."""

    customers: tuple[Mapping[str, Any], ...]  # Any: JSON, as in all of these
    meter: Mapping[str, Any]
    plan: Mapping[str, Any]
    currency: str
    first_month: str  # the first day of the month of the earliest usage, RFC 3339 in UTC


def focus_catalogue(rows: Iterable[Mapping[str, str]]) -> FocusCatalogue:
    """One customer a sub-account, one meter, and one plan with a cell for each price; raises BadFile.

    rows  of a FOCUS file by column; those that are not usage, or lack what billing needs, add nothing
    """
    customers: dict[str, str] = {}
    cells: dict[tuple[str, str], None] = {}
    currencies: set[str] = set()
    times: list[str] = []
    for row in rows:
        account, sku, amount, time = (
            _present(row, name) for name in ("SubAccountId", *DIMENSIONS, "ChargePeriodStart")
        )
        if row.get("ChargeCategory") != "Usage" or not (account and sku and amount and time):
            continue
        customers.setdefault(account, _present(row, "SubAccountName") or account)
        cells.setdefault((sku, amount))
        currencies.add(row["BillingCurrency"])
        times = [min([_time(time), *times])]
    if len(currencies) != 1:
        found = ", ".join(sorted(currencies)) or "none"
        raise BadFile(f"A file is billed in one currency; this one has {found}.")
    currency = currencies.pop()
    people = tuple(
        {"key": key, "name": name, "currency": currency, "timezone": "UTC"} for key, name in customers.items()
    )
    return FocusCatalogue(people, _meter(), _plan(currency, cells), currency, f"{times[0][:7]}-01T00:00:00Z")


def focus_rows(stream: BinaryIO) -> Iterator[Mapping[str, str]]:
    """The readable rows of a FOCUS file, by column."""
    found = table(stream)
    return ({name: str(cell) for name, cell in found.named(row).items()} for row in found.rows if row.problem is None)


def _present(row: Mapping[str, str], name: str) -> str | None:
    value = row.get(name)
    return None if value in (None, "", "NULL") else value


def _meter() -> dict[str, Any]:
    return {
        "key": METER, "name": "Cloud usage", "event_type": TYPE, "aggregation": "sum", "value": "quantity",
        "group_by": list(DIMENSIONS),
    }


def _plan(currency: str, cells: Iterable[tuple[str, str]]) -> dict[str, Any]:
    price = {
        "key": "usage", "name": "Cloud usage at list price", "model": "matrix", "meter": METER,
        "billing": "in_arrears", "dimensions": list(DIMENSIONS),
        "cells": [{"values": [sku, amount], "unit_amount": amount} for sku, amount in sorted(cells)],
    }
    return {"key": PLAN, "name": "Cloud usage", "currency": currency, "interval": "month", "prices": [price]}
