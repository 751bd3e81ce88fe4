"""The clock of a sandbox: it stands still, moves forward, and what falls due on the way happens in order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from farthing.billing.test_clock import service
from farthing.billing.test_clock.falling_due import DueBoundaries
from farthing.identity.api_keys.service import ApiKeys
from farthing.identity.organizations.service import Organizations
from farthing.identity.organizations.values import Sandbox
from farthing.kernel.clock import instant_from
from farthing.kernel.credentials import Scope, operator
from tests.service.books import BASE, CALLS, Books, lines
from tests.service.conftest import Api

pytestmark = pytest.mark.books


def sandbox_of(api: Api, clock: str) -> Api:
    """An administrator of a new sandbox on the same store."""
    made = api.farthing[Organizations].create("Sandbox", Sandbox(instant_from(clock)))
    _, secret = api.farthing[ApiKeys].create(operator(made.id), [Scope.ADMIN])
    return Api(api.farthing, api.client, made.id, secret, api.clock)


@pytest.fixture
def sandbox(api: Api) -> Books:
    return Books(sandbox_of(api, "2030-01-01T00:00:00Z"))


def advance(books: Books, to: str) -> dict[str, Any]:
    """The clock where an advance has ended well."""
    books.api.made("/v1/test-clock/advance", {"to": to})
    found = dict(books.api.get("/v1/test-clock").json or {})
    assert (found["status"], found["error"]) == ("completed", None), found
    return found


def test_a_sandbox_stands_still_and_others_do_not(sandbox: Books, api: Api) -> None:
    assert (sandbox.api.get("/v1/organization").json or {})["sandbox"] is True
    assert (api.get("/v1/organization").json or {})["sandbox"] is False
    for moment in ("2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"):
        api.clock.to(moment)
        assert (sandbox.api.get("/v1/test-clock").json or {})["now"] == "2030-01-01T00:00:00Z"
        assert sandbox.customer(moment)["created_at"] == "2030-01-01T00:00:00Z"
        assert Books(api).customer(moment)["created_at"] == moment


def test_an_advance_bills_what_falls_due_on_the_way(sandbox: Books) -> None:
    """Drafts at each boundary, final an hour later, each issued at its own moment (rules 21 and 26)."""
    sandbox.customer_on(BASE, CALLS, starts_at="2030-01-10T00:00:00Z")
    reached = advance(sandbox, "2030-01-10T00:30:00Z")
    assert (reached["now"], reached["invoices"], reached["parked"]) == ("2030-01-10T00:30:00Z", 1, [])
    assert reached["progress"] == {"done": 9 * 86400 + 1800, "total": 9 * 86400 + 1800}
    assert [one["status"] for one in sandbox.invoices()] == ["draft"]
    assert sandbox.api.made("/v1/events", [
        {"id": "now", "type": "call", "subject": "acme", "data": {"quantity": "3"}},
    ])["accepted"] == 1  # without a time: the clock's
    assert advance(sandbox, "2030-03-01T00:00:00Z")["invoices"] == 4  # 2 drafted, 2 made final
    found = sandbox.invoices()
    assert [(one["number"], one["boundary"], one["issued_at"]) for one in found] == [
        ("INV-2030-000001", "2030-01-10T00:00:00Z", "2030-01-10T01:00:00Z"),
        ("INV-2030-000002", "2030-02-01T00:00:00Z", "2030-02-01T01:00:00Z"),
        (None, "2030-03-01T00:00:00Z", None),
    ]
    assert ("usage", "calls", "0.30", "2030-01-10", "2030-02-01") in lines(found[1])


def test_deferred_revenue_is_released_on_the_way(sandbox: Books) -> None:
    """An entry a month, at the end of each (rule 22)."""
    sandbox.customer_on(BASE | {"amount": "365"}, plan={"interval": "year"}, starts_at="2030-01-01T00:00:00Z")
    advance(sandbox, "2030-04-01T00:00:00Z")
    text = sandbox.api.get("/v1/exports/journal").get_data(as_text=True)
    assert [row.split(",")[1] for row in text.splitlines() if ",release," in row and "deferred" in row] == [
        "2030-01-31", "2030-02-28", "2030-03-31",
    ]


def test_credit_expires_on_the_way(sandbox: Books) -> None:
    """On its day, and what is billed before that still takes of it (rules 22 and 28)."""
    sandbox.customer_on(BASE, starts_at="2030-01-01T00:00:00Z")
    wallet = sandbox.api.made("/v1/wallets", {"customer": "acme", "currency": "USD", "name": "Credit"})
    path = f"/v1/wallets/{wallet['id']}/top-ups"
    sandbox.api.made(path, {"amount": "25", "kind": "paid", "expires_at": "2030-02-15T00:00:00Z"})
    advance(sandbox, "2030-04-01T00:00:00Z")
    assert [one["credit_applied"] for one in sandbox.invoices()][:3] == ["10.00", "10.00", "0.00"]
    assert [(one["remaining"], one["expired"]) for one in sandbox.api.every(path)] == [("0.00", "5.00")]
    text = sandbox.api.get("/v1/exports/journal").get_data(as_text=True)
    assert [row.split(",")[1] for row in text.splitlines() if ",expiry," in row] == ["2030-02-15"] * 2


def test_a_grace_longer_than_the_period_holds_up_nothing(sandbox: Books) -> None:
    """Days become drafts while earlier ones still wait, and each is final at the end of its own grace (rule 26)."""
    assert sandbox.api.patch("/v1/organization", {"grace_seconds": 3 * 86400}).status_code == 200
    sandbox.customer_on(BASE, plan={"interval": "day"}, starts_at="2030-01-01T00:00:00Z")
    advance(sandbox, "2030-01-07T12:00:00Z")
    assert [one["issued_at"] for one in sandbox.invoices()] == [
        *(f"2030-01-0{day}T00:00:00Z" for day in (4, 5, 6, 7)), None, None, None,
    ]


def test_events_may_be_a_day_ahead_of_the_clock(sandbox: Books) -> None:
    sandbox.meter()
    event = {"id": "1", "type": "call", "subject": "acme", "data": {"quantity": "1"}}
    assert sandbox.api.post("/v1/events", [event | {"time": "2030-01-02T00:00:01Z"}]).status_code == 422
    assert sandbox.api.post("/v1/events", [event | {"time": "2030-01-02T00:00:00Z"}]).status_code == 200


@pytest.mark.parametrize(("to", "rule"), [
    ("2029-12-31T23:59:59Z", "never moves back"), ("2041-01-01T00:00:00Z", "3660 days"),
])
def test_where_a_clock_cannot_go(sandbox: Books, to: str, rule: str) -> None:
    answer = sandbox.api.post("/v1/test-clock/advance", {"to": to})
    assert answer.status_code == 422
    assert rule in answer.get_data(as_text=True)
    assert (sandbox.api.get("/v1/test-clock").json or {})["id"] is None


def test_who_may_move_which_clock(sandbox: Books, api: Api) -> None:
    there = {"to": "2030-01-01T00:00:00Z"}
    assert sandbox.api.with_scopes("read").post("/v1/test-clock/advance", there).status_code == 403
    assert sandbox.api.with_scopes("write").post("/v1/test-clock/advance", there).status_code == 202
    for answer in (api.get("/v1/test-clock"), api.post("/v1/test-clock/advance", there)):
        assert (answer.status_code, (answer.json or {})["type"]) == (409, "urn:farthing:problem:not-a-sandbox")


@pytest.fixture
def waiting(sandbox: Books) -> Iterator[tuple[Books, list[Any]]]:
    """A sandbox whose advances are begun by hand."""
    held: list[Any] = []
    services = sandbox.api.farthing.services
    usual = services[service.TestClocks]
    services[service.TestClocks] = replace(usual, background=held.append)  # type: ignore[index]  # a dict in fact
    yield sandbox, held
    services[service.TestClocks] = usual  # type: ignore[index]  # as above


@pytest.mark.together
def test_two_at_once_are_one_too_many(waiting: tuple[Books, list[Any]]) -> None:
    sandbox, held = waiting
    sandbox.customer_on(BASE, starts_at="2030-01-10T00:00:00Z")
    begun = sandbox.api.made("/v1/test-clock/advance", {"to": "2030-02-01T00:00:00Z"})
    assert (begun["status"], begun["now"]) == ("queued", "2030-01-01T00:00:00Z")
    again = sandbox.api.post("/v1/test-clock/advance", {"to": "2030-02-01T00:00:00Z"})
    assert (again.status_code, (again.json or {})["type"]) == (409, "urn:farthing:problem:advance-under-way")
    held.pop()()
    found = sandbox.api.get("/v1/test-clock").json or {}
    assert (found["id"], found["status"], found["now"]) == (begun["id"], "completed", "2030-02-01T00:00:00Z")
    assert sandbox.api.post("/v1/test-clock/advance", {"to": "2030-02-01T00:00:00Z"}).status_code == 202
    held.pop()()


@pytest.mark.together
def test_what_was_cut_off_is_gone_on_with(waiting: tuple[Books, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends in the middle; the next one does the rest, and nobody is billed twice (rule 25)."""
    sandbox, held = waiting
    sandbox.customer_on(BASE, starts_at="2030-01-10T00:00:00Z")
    sandbox.api.made("/v1/test-clock/advance", {"to": "2030-06-15T00:00:00Z"})
    usual, seen = DueBoundaries.carry_out, []

    def until_the_fifth(self: DueBoundaries, organization: str, at: Any) -> Any:
        seen.append(at)
        if len(seen) == 5:
            raise SystemExit
        return usual(self, organization, at)

    monkeypatch.setattr(DueBoundaries, "carry_out", until_the_fifth)
    with pytest.raises(SystemExit):
        held.pop()()
    found = sandbox.api.get("/v1/test-clock").json or {}
    assert (found["status"], found["now"]) == ("running", "2030-02-01T01:00:00Z")
    monkeypatch.undo()
    clocks = sandbox.api.farthing[service.TestClocks]
    clocks.resume()
    clocks.resume()  # by two processes: the one that comes later leaves it to the other
    first, second = held
    first()
    second()
    found = sandbox.api.get("/v1/test-clock").json or {}
    assert (found["status"], found["now"]) == ("completed", "2030-06-15T00:00:00Z")
    assert [one["issued_at"][:13] for one in sandbox.invoices()] == [
        "2030-01-10T01", *(f"2030-0{month}-01T01" for month in range(2, 7)),
    ]


@pytest.mark.together
def test_a_failure_stops_the_clock_where_it_happened(sandbox: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving it again does first what could not be done."""
    sandbox.customer_on(BASE, starts_at="2030-01-10T00:00:00Z")

    def broken(self: DueBoundaries, organization: str, at: Any) -> Any:
        raise RuntimeError("no disk")

    advance(sandbox, "2030-01-02T00:00:00Z")
    monkeypatch.setattr(DueBoundaries, "carry_out", broken)
    sandbox.api.made("/v1/test-clock/advance", {"to": "2030-03-01T00:00:00Z"})
    found = sandbox.api.get("/v1/test-clock").json or {}
    assert (found["status"], found["now"]) == ("failed", "2030-01-02T00:00:00Z")
    assert "RuntimeError" in found["error"]
    monkeypatch.undo()
    advance(sandbox, "2030-01-10T02:00:00Z")
    assert [one["issued_at"] for one in sandbox.invoices()] == ["2030-01-10T01:00:00Z"]
