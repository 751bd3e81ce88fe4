"""A list asks the database as often for fifty rows as for one."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from farthing.calls import ENDPOINTS
from tests.service.conftest import Api

LISTS = sorted(one.path for one in ENDPOINTS if one.paged and "<" not in one.path)
PLAN = {
    "name": "Pro", "currency": "USD", "interval": "month",
    "prices": [
        {"key": "base", "name": "Base", "model": "flat", "amount": "10.00", "billing": "in_advance"},
        {"key": "calls", "name": "Calls", "model": "per_unit", "unit_amount": "0.1", "meter": "calls",
         "billing": "in_arrears"},
    ],
}


@contextmanager
def counted(api: Api) -> Iterator[list[str]]:
    """The statements that run inside the block."""
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(api.farthing.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(api.farthing.database.engine, "before_cursor_execute", note)


def fill(api: Api, start: int, count: int) -> None:
    """Rows in every list."""
    for number in range(start, start + count):
        api.made("/v1/customers", {"key": f"c{number}", "name": "C"})
        api.made("/v1/coupons", {"key": f"o{number}", "name": "O", "percent": "10", "duration": "forever"})
        api.made("/v1/tax-rates", {"key": f"t{number}", "name": "T", "percent": "1"})
        api.made("/v1/subscriptions", {
            "customer": f"c{number}", "plan": "pro", "starts_at": "2026-10-01T00:00:00Z", "anchor": "calendar",
            "coupons": [f"o{number}"],
        })
        api.made("/v1/events", [{
            "id": f"e{number}", "type": "call", "subject": f"c{number}", "time": "2026-10-02T00:00:00Z",
        }])
        api.post("/v1/events?on_error=skip", [{"id": f"bad{number}"}])
        api.made("/v1/api-keys", {"scopes": ["read"]})
        api.made("/v1/plans", PLAN | {"key": f"plan{number}"})
        api.made("/v1/meters", {"key": f"m{number}", "name": "M", "event_type": "other", "aggregation": "count"})
        api.made("/v1/bill-runs", {"as_of": "2026-11-02T00:00:00Z"})
        api.made("/v1/charges", {
            "customer": f"c{number}", "description": "Setup", "quantity": "1", "unit_amount": "1", "currency": "USD",
        })
        api.made("/v1/wallets", {"customer": f"c{number}", "currency": "USD", "name": "W"})
        api.made("/v1/bank-transactions", {
            "id": f"b{number}", "booked_at": "2026-11-02T00:00:00Z", "amount": "1", "currency": "USD", "reference": "?",
        })
        api.made("/v1/reconciliations", {})
        line = f"e{number},call,c{number},2026-10-03T00:00:00Z"
        file = io.BytesIO(f"id,type,subject,time\ni{line}\n".encode())
        assert api.post("/v1/imports", data={"file": (file, "usage.csv")}).status_code == 200
    for invoice in api.every("/v1/invoices?status=open"):
        api.made("/v1/payments", {
            "invoice": invoice["id"], "amount": invoice["amount_due"], "currency": "USD", "method": "wire",
        })
        api.made("/v1/credit-notes", {"invoice": invoice["id"], "amount": "all", "reason": "Goodwill"})


def test_lists_ask_as_often_for_many_rows_as_for_one(api: Api) -> None:
    api.made("/v1/meters", {"key": "calls", "name": "Calls", "event_type": "call", "aggregation": "count"})
    api.made("/v1/plans", PLAN | {"key": "pro"})
    fill(api, 0, 1)
    few = {path: asked(api, path) for path in LISTS}
    fill(api, 1, 4)
    many = {path: asked(api, path) for path in LISTS}
    assert all(rows > few[path][1] for path, (_, rows) in many.items()), many
    assert {path: count for path, (count, _) in many.items()} == {path: count for path, (count, _) in few.items()}


def asked(api: Api, path: str) -> tuple[int, int]:
    """How many statements a list takes, and how many rows it shows."""
    with counted(api) as statements:
        answer = api.get(path)
    assert answer.status_code == 200, path
    return len(statements), len((answer.json or {})["data"])


@pytest.mark.parametrize("path", LISTS)
def test_lists_page_through_all_rows_once(api: Api, path: str) -> None:
    """T59: no row twice, none missed, also while rows are added."""
    api.made("/v1/meters", {"key": "calls", "name": "Calls", "event_type": "call", "aggregation": "count"})
    api.made("/v1/plans", PLAN | {"key": "pro"})
    fill(api, 0, 3)
    before = [str(row) for row in api.every(path)]
    first = api.get(f"{path}?limit=2").json or {}
    fill(api, 3, 1)
    seen = [str(row) for row in first["data"]]
    after = first["next"]
    while after:
        page = api.get(f"{path}?limit=2&after={after}").json or {}
        seen += [str(row) for row in page["data"]]
        after = page["next"]
    assert len(seen) == len(set(seen))
    assert len(seen) >= len(before)
    stranger = api.stranger()
    if first["next"]:
        assert stranger.get(f"{path}?after={first['next']}").status_code == 422
