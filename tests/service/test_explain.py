"""Where a line's amount comes from, down to the events (rules 2, 17 and 18, I8)."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.rating import Rater
from farthing.billing.invoices.service import Invoices
from farthing.billing.subscriptions.closing import boundary_at
from farthing.billing.subscriptions.service import Subscriptions
from farthing.pricing.arithmetic import plain
from tests.service.books import BASE, CALLS, Books
from tests.service.conftest import Api

pytestmark = pytest.mark.books

GRADUATED: dict[str, Any] = {
    "key": "calls", "name": "Calls", "model": "graduated", "meter": "calls", "billing": "in_arrears",
    "tiers": [{"up_to": "10", "unit_amount": "0.10"}, {"up_to": None, "unit_amount": "0.033", "flat_amount": "1"}],
}


def explained(api: Api, invoice: dict[str, Any], place: int = 0, query: str = "") -> dict[str, Any]:
    line = invoice["lines"][place]["id"]
    answer = api.get(f"/v1/invoices/{invoice['id']}/lines/{line}/explain?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.json or {})


def october(books: Books, *prices: dict[str, Any], **fields: Any) -> None:
    books.customer_on(*prices, starts_at="2026-10-01T00:00:00Z", **fields)


def test_a_usage_line_is_explained_down_to_its_events(books: Books) -> None:
    """The aggregate, its hours, the steps of the rating, and the one rounding."""
    october(books, GRADUATED)
    books.use("a", "2026-10-07T12:30:00Z", "7.5")
    books.use("b", "2026-10-07T12:59:59.999999Z", "2")
    books.use("c", "2026-10-31T23:00:00Z", "3.25")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    shown = explained(books.api, invoice)
    assert shown["aggregate"] == {
        "meter": "calls", "aggregation": "sum", "value": "12.75", "events": 3,
        "position": shown["aggregate"]["position"],
    }
    assert shown["hours"] == [
        {"from": "2026-10-07T12:00:00Z", "to": "2026-10-07T13:00:00Z", "value": "9.5", "events": 2},
        {"from": "2026-10-31T23:00:00Z", "to": "2026-11-01T00:00:00Z", "value": "3.25", "events": 1},
    ]
    assert [(step["tier"], step["quantity"], step["amount"]) for step in shown["steps"]] == [
        (1, "10", "1"), (2, "2.75", "1.09075"),
    ]
    assert (shown["exact"], shown["amount"]) == ("2.09075", "2.09")
    assert shown["rounding"] == {
        "exact": "2.09075", "amount": "2.09", "difference": "-0.00075",
        "rule": "once, to 2 decimals, half away from zero",
    }
    assert [(one["id"], one["source"], one["value"]) for one in shown["events"]["data"]] == [
        ("a", "", "7.5"), ("b", "", "2"), ("c", "", "3.25"),
    ]
    assert (shown["period"], shown["quantity"]) == (invoice["lines"][0]["period"], invoice["lines"][0]["quantity"])


def test_the_exact_amount_is_the_sum_of_its_events(books: Books) -> None:
    """To the last digit, worked out here beside the program."""
    unit = "0.00000000000000000000000000012345678"
    october(books, CALLS | {"unit_amount": unit})
    quantities = [f"{number}.{number:030}1" for number in range(1, 8)]
    for quantity in quantities:
        books.use(quantity, "2026-10-07T12:00:00Z", quantity)
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    exact = sum(Fraction(Decimal(each)) for each in quantities) * Fraction(Decimal(unit))
    assert Fraction(Decimal(explained(books.api, invoice)["exact"])) == exact


def test_later_events_change_nothing_that_is_explained(books: Books) -> None:
    """An invoice speaks of the events up to its own position, whatever comes or goes afterwards (rule 18)."""
    october(books, GRADUATED)
    books.use("a", "2026-10-07T12:00:00Z", "3")
    books.use("b", "2026-10-08T12:00:00Z", "4")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    before = explained(books.api, invoice)
    books.use("late", "2026-10-09T12:00:00Z", "100")
    books.void_event("a")
    assert explained(books.api, invoice) == before
    assert books.billed("2026-11-20T00:00:00Z") == []


def test_events_are_shown_page_by_page(books: Books) -> None:
    october(books, CALLS)
    for number in range(5):
        books.use(f"{'🎈' * 250}{number}", f"2026-10-0{7 - number // 3}T12:00:00Z")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    pages: list[list[str]] = []
    after = ""
    while True:
        events = explained(books.api, invoice, query=f"limit=2{after}")["events"]
        pages.append([one["id"][-1] for one in events["data"]])
        if events["next"] is None:
            break
        after = f"&after={events['next']}"
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [sorted(pages[0]), sorted(pages[1] + pages[2])] == [["3", "4"], ["0", "1", "2"]]
    line = invoice["lines"][0]["id"]
    assert books.api.get(f"/v1/invoices/{invoice['id']}/lines/{line}/explain?after=x").status_code == 422


def test_each_group_has_its_own_events(books: Books) -> None:
    """And none that the price filters out (rule 10)."""
    october(books, CALLS | {"group_by": ["region"], "filter": {"kind": ["paid"]}})
    books.use("a", "2026-10-07T12:00:00Z", "1", region="eu", kind="paid")
    books.use("b", "2026-10-07T12:00:00Z", "2", kind="paid")
    books.use("c", "2026-10-07T12:00:00Z", "4", region="eu", kind="free")
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    found = [explained(books.api, invoice, place) for place in (0, 1)]
    assert [(one["group"], [event["id"] for event in one["events"]["data"]]) for one in found] == [
        ({"region": "eu"}, ["a"]), ({"region": None}, ["b"]),
    ]


def test_a_level_says_what_was_carried_in(books: Books) -> None:
    """The seats of September still stand in October (rule 17)."""
    books.meter(aggregation="weighted_sum")
    books.plan(CALLS | {"unit_amount": "1.00"})
    books.customer()
    books.subscribe(starts_at="2026-10-01T00:00:00Z")
    books.use("a", "2026-09-15T12:00:00Z", "4")
    books.use("b", "2026-10-16T12:00:00Z", "-2")  # for the second half of 31 days
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    shown = explained(books.api, invoice)
    assert (shown["aggregate"]["carried"], shown["aggregate"]["value"], shown["exact"]) == ("4", "3", "3")
    assert [one["id"] for one in shown["events"]["data"]] == ["b"]
    assert shown["hours"] == []


def test_a_fee_and_a_line_by_hand_are_explained_without_events(books: Books) -> None:
    october(books, BASE)
    [invoice, *_] = books.billed("2026-11-20T00:00:00Z")
    for one, exact in ((invoice, "10"), (books.one_off("0.33333"), "0.33333")):
        shown = explained(books.api, one)
        assert (shown["exact"], shown["amount"]) == (exact, one["lines"][0]["amount"])
        assert not {"aggregate", "hours", "events"} & set(shown)


def test_a_line_that_is_not_there_is_not_found(books: Books) -> None:
    books.customer()
    invoice, other = books.one_off("1"), books.one_off("2")
    for line in ("lin_1", other["lines"][0]["id"]):
        assert books.api.get(f"/v1/invoices/{invoice['id']}/lines/{line}/explain").status_code == 404


MODELS: Sequence[dict[str, Any]] = [
    {"model": "per_unit", "unit_amount": "0.0033", "free_units": "2"},
    {"model": "graduated", "tiers": GRADUATED["tiers"]},
    {"model": "volume", "tiers": GRADUATED["tiers"]},
    {"model": "package", "package_size": "3", "package_amount": "0.70"},
    {"model": "percentage", "rate": "2.9", "fixed_amount": "0.30", "free_events": 1},
    {"model": "graduated_percentage", "tiers": [{"up_to": "5", "rate": "3"}, {"up_to": None, "rate": "1.333"}]},
    {"model": "matrix", "dimensions": ["region"], "cells": [], "default_unit_amount": "0.0101"},
    {"model": "dynamic", "amount_property": "price"},
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["model"])
def test_every_model_is_rated_again_to_the_same_lines(books: Books, model: dict[str, Any]) -> None:
    """I8: the events up to the invoice's position give its stored lines, and their explanation the same amount."""
    price = {"key": "calls", "name": "Calls", "meter": "calls", "billing": "in_arrears", "minimum": "0.50"} | model
    october(books, price)
    for number, region in enumerate(("eu", "us", None, "eu")):
        data = {} if region is None else {"region": region}
        books.use(str(number), f"2026-10-0{number + 1}T12:00:00Z", f"{number + 1}.125", price="0.0125", **data)
    [invoice] = books.billed("2026-11-20T00:00:00Z")
    books.use("late", "2026-10-09T12:00:00Z", "100", price="1")
    again = rated_again(books, invoice)
    assert [(line["price"], line["quantity"], line["amount"]) for line in invoice["lines"]] == again
    shown = explained(books.api, invoice)
    assert shown["amount"] == invoice["lines"][0]["amount"]
    assert sum(Fraction(Decimal(step["amount"])) for step in shown["steps"]) == Fraction(Decimal(shown["exact"]))


def rated_again(books: Books, invoice: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    farthing, organization = books.api.farthing, books.api.organization
    stored = farthing[Invoices].get(organization, invoice["id"])
    owner = farthing[Subscriptions].get(organization, invoice["subscription"])
    assert stored.boundary is not None
    assert stored.position is not None
    boundary = boundary_at(owner, stored.boundary)
    assert boundary is not None
    rater: Rater = farthing[Invoices].rater
    [rated] = rater.rate(organization, [Due(owner, boundary)], stored.position)
    return [(line.price, plain(line.quantity), format(line.amount, "f")) for line in rated.lines]
