"""The invoice is the same whatever way its events took."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farthing.app import open_farthing, web_application
from farthing.kernel.clock import instant_from
from farthing.kernel.settings import load_settings
from tests.service.conftest import Api, TestClock, api_of

PRICES = [
    {"key": "base", "name": "Base", "model": "flat", "amount": "5.00", "billing": "in_advance"},
    {"key": "calls", "name": "Calls", "model": "graduated", "meter": "calls", "billing": "in_arrears",
     "group_by": ["region"], "tiers": [{"up_to": "10", "unit_amount": "0.5"}, {"up_to": None, "unit_amount": "0.125"}]},
]
MONTH = {"starts_at": "2026-10-01T00:00:00Z", "anchor": "calendar"}

events = st.lists(
    st.fixed_dictionaries({
        "region": st.sampled_from(["eu", "us", None]),
        "quantity": st.decimals(-5, 40, places=3).map(lambda quantity: format(quantity, "f")),
        "day": st.integers(1, 31),
    }),
    min_size=1, max_size=25,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home: Path = tmp_path_factory.mktemp("any-order")
    clock = TestClock(instant_from("2026-11-20T12:00:00Z"))
    opened = open_farthing(load_settings({}, home=str(home), log_level="error"), clock)
    yield api_of(opened, web_application(opened).test_client(), clock)
    opened.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=events, data=st.data())
def test_any_order_any_batches_and_any_repeats_give_the_same_invoice(
    root: Api, said: list[dict[str, str | int | None]], data: st.DataObject
) -> None:
    """Rules 16 and 25: events count once, and their order of arrival changes nothing."""
    sent = [event(number, one) for number, one in enumerate(said)]
    repeated = data.draw(st.permutations(sent + data.draw(st.lists(st.sampled_from(sent), max_size=10))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(repeated)), max_size=4)))
    batches = [repeated[start:end] for start, end in zip([0, *cuts], [*cuts, len(repeated)], strict=True)]
    assert invoiced(root.stranger(), batches) == invoiced(root.stranger(), [sent]) == worked_out(said)


def event(number: int, one: dict[str, str | int | None]) -> dict[str, object]:
    region = {"region": one["region"]} if one["region"] is not None else {}
    return {
        "id": f"e{number}", "type": "call", "subject": "acme", "time": f"2026-10-{one['day']:02d}T12:00:00Z",
        "data": {"quantity": one["quantity"], **region},
    }


def invoiced(api: Api, batches: list[list[dict[str, object]]]) -> list[tuple[object, str, str]]:
    """The usage lines of October's invoice: group, quantity and amount."""
    api.made("/v1/customers", {"key": "acme", "name": "Acme"})
    api.made("/v1/meters", {
        "key": "calls", "name": "Calls", "event_type": "call", "aggregation": "sum", "value": "quantity",
        "group_by": ["region"],
    })
    api.made("/v1/plans", {"key": "p", "name": "P", "currency": "USD", "interval": "month", "prices": PRICES})
    api.made("/v1/subscriptions", {"customer": "acme", "plan": "p", **MONTH})
    for batch in batches:
        api.made("/v1/events", batch)
    api.made("/v1/bill-runs", {"as_of": "2026-11-02T00:00:00Z"})
    lines = [line for invoice in api.every("/v1/invoices") for line in invoice["lines"]]
    return [(line["group"]["region"], line["quantity"], line["amount"]) for line in lines if line["reason"] == "usage"]


def worked_out(said: list[dict[str, str | int | None]]) -> list[tuple[object, str, str]]:
    """The same by the rules, with nothing of the program: null stands last, and nothing is billed below zero."""
    sums: dict[object, Decimal] = defaultdict(Decimal)
    for one in said:
        sums[one["region"]] += Decimal(str(one["quantity"]))
    lines = []
    for region in sorted(sums, key=lambda region: (region is None, region)):
        units = max(sums[region], Decimal(0))
        exact = min(units, Decimal(10)) * Decimal("0.5") + max(units - 10, Decimal(0)) * Decimal("0.125")
        if sums[region]:
            shown = format(sums[region].normalize(), "f")
            lines.append((region, shown, str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))))
    return lines
