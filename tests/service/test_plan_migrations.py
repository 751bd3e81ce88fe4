"""New versions of plans, to which those on earlier ones change: compared first, then each once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from farthing.billing.plan_migrations import service
from farthing.billing.plan_migrations.service import PlanMigrations
from tests.service.books import BASE, CALLS, SEATS, Books, lines

pytestmark = [pytest.mark.books]

DEARER: dict[str, Any] = BASE | {"amount": "40.00"}


@pytest.fixture
def november(books: Books) -> Books:
    """Two customers whose November is billed, the second at a price of its own."""
    books.meter()
    books.plan(BASE, CALLS)
    for key in ("acme", "bcme"):
        books.customer(key)
    books.subscribe(key="main", starts_at="2026-11-01T00:00:00Z")
    books.subscribe(
        customer="bcme", key="other", starts_at="2026-11-01T00:00:00Z", overrides={"base": {"amount": "8.00"}}
    )
    books.billed("2026-11-20T00:00:00Z")
    books.use("1", "2026-11-10T00:00:00Z", "10")
    return books


def version(books: Books, *prices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    usual = {"name": "Pro", "currency": "USD", "interval": "month"}
    return books.api.made("/v1/plans/pro/versions", usual | {"prices": list(prices)} | fields)


def ended(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """A migration as it ended."""
    answer = books.api.get(f"/v1/plans/pro/migrations/{made['migration']['id']}")
    assert answer.status_code == 200
    return dict(answer.json or {})


def on(books: Books, key: str) -> dict[str, Any]:
    return dict(books.api.get(f"/v1/subscriptions/{key}").json or {})


def december(books: Books) -> dict[str, dict[str, Any]]:
    books.api.clock.to("2026-12-02T00:00:00Z")
    keys = {one["id"]: one["key"] for one in books.api.every("/v1/subscriptions")}
    return {keys[one["subscription"]]: one for one in books.billed("2026-12-02T00:00:00Z")}


def test_nobody_changes_unless_told(november: Books) -> None:
    made = version(november, DEARER, CALLS)
    assert "migration" not in made
    assert november.api.every("/v1/plans/pro/migrations") == []
    assert on(november, "main")["plan_version"] == 1


def test_everybody_changes_at_the_end_of_the_period(november: Books) -> None:
    """And keeps the prices that were agreed with it alone."""
    made = version(november, DEARER, CALLS | {"unit_amount": "0.20"}, migrate="next_period")
    assert (made["version"], made["migration"]["plan_version"], made["migration"]["migrate"]) == (2, 2, "next_period")
    told = ended(november, made)
    assert (told["status"], told["progress"], told["migrated"], told["refused"]) == (
        "completed", {"done": 2, "total": 2}, 2, []
    )
    assert [one["id"] for one in november.api.every("/v1/plans/pro/migrations")] == [told["id"]]
    assert on(november, "main")["changes"][0]["at"] == "2026-12-01T00:00:00Z"
    made_then = december(november)
    assert lines(made_then["main"]) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-12-01"), ("fee", "base", "40.00", "2026-12-01", "2027-01-01"),
    ]
    assert lines(made_then["other"]) == [("fee", "base", "8.00", "2026-12-01", "2027-01-01")]
    assert on(november, "main")["plan_version"] == 2


def test_now_is_a_change_like_any_other(november: Books) -> None:
    """Eleven of thirty days are left: they are given back and charged anew, and the usage is split (rule 14)."""
    november.use("2", "2026-11-20T00:00:00Z", "10")
    told = ended(november, version(november, DEARER, CALLS | {"unit_amount": "0.20"}, migrate="now"))
    assert told["migrated"] == 2
    assert lines(december(november)["main"]) == [
        ("usage", "calls", "1.00", "2026-11-01", "2026-11-20"), ("usage", "calls", "2.00", "2026-11-20", "2026-12-01"),
        ("fee", "base", "40.00", "2026-12-01", "2027-01-01"),
        ("proration", "base", "-3.67", "2026-11-20", "2026-12-01"),
        ("fee", "base", "14.67", "2026-11-20", "2026-12-01"),
    ]


def test_a_dry_run_tells_the_difference_and_makes_nothing(november: Books) -> None:
    """The fees of the next period and the usage so far, by both versions."""
    before = november.api.every("/v1/subscriptions")
    tried = version(november, DEARER, CALLS | {"unit_amount": "0.20"}, migrate="next_period", dry_run=True)
    assert tried["version"] == 2
    rows = tried["comparison"]["data"]
    assert [(one["customer_key"], one["fees"], one["usage"]) for one in rows] == [
        ("acme", {"current": "10.00", "simulated": "40.00", "difference": "30.00"},
         {"current": "1.00", "simulated": "2.00", "difference": "1.00"}),
        ("bcme", {"current": "8.00", "simulated": "8.00", "difference": "0.00"},
         {"current": "0.00", "simulated": "0.00", "difference": "0.00"}),
    ]
    assert [one["difference"] for one in rows] == ["31.00", "0.00"]
    assert tried["comparison"]["totals"] == [
        {"currency": "USD", "current": "19.00", "simulated": "50.00", "difference": "31.00"}
    ]
    assert november.api.every("/v1/subscriptions") == before
    assert len(november.api.every("/v1/plans/pro/versions")) == 1
    assert november.api.every("/v1/plans/pro/migrations") == []


@pytest.mark.parametrize(("fields", "word"), [
    ({"prices": [SEATS, CALLS]}, "quantities.seats"), ({"prices": [BASE], "currency": "EUR"}, "EUR"),
    ({"prices": [SEATS | {"key": "base"}]}, "base"),
])
def test_what_cannot_change_is_named_and_stays(november: Books, fields: dict[str, Any], word: str) -> None:
    """And the dry run says so before."""
    before = on(november, "main")
    tried = version(november, migrate="now", dry_run=True, **fields)["comparison"]
    assert all(word in one["refused"] and one["difference"] == "0.00" for one in tried["data"])
    told = ended(november, version(november, migrate="now", **fields))
    assert (told["status"], told["migrated"], len(told["refused"])) == ("completed", 0, 2)
    assert {one["subscription"] for one in told["refused"]} == {on(november, key)["id"] for key in ("main", "other")}
    assert all(word in one["reason"] for one in told["refused"])
    assert on(november, "main") == before


def test_an_override_of_a_price_that_is_gone_goes_with_it(november: Books) -> None:
    told = ended(november, version(november, BASE | {"key": "fee"}, CALLS, migrate="next_period"))
    assert (told["migrated"], told["refused"]) == (2, [])
    assert on(november, "other")["changes"][0]["overrides"] == {}


def test_a_change_that_is_still_to_come_takes_the_new_version(november: Books) -> None:
    """Whoever will be put on the plan is put on its newest version; whoever leaves it is left alone."""
    november.plan(BASE | {"amount": "1.00"}, key="small")
    november.customer("ccme")
    november.subscribe(customer="ccme", key="later", plan="small", starts_at="2026-11-01T00:00:00Z")
    november.api.made("/v1/subscriptions/later/change", {"plan": "pro", "at": "2026-11-25T00:00:00Z"})
    november.api.made("/v1/subscriptions/other/change", {"plan": "small", "at": "now"})
    told = ended(november, version(november, DEARER, CALLS, migrate="now"))
    assert (told["progress"]["done"], told["migrated"], told["refused"]) == (3, 2, [])
    assert [(one["plan_key"], one["plan_version"], one["at"][:10]) for one in on(november, "later")["changes"]] == [
        ("pro", 1, "2026-11-25"), ("pro", 2, "2026-11-25"),
    ]
    assert on(november, "other")["plan_key"] == "small"


def test_those_that_are_over_are_not_touched(november: Books) -> None:
    november.api.made("/v1/subscriptions/main/cancel", {"at": "now"})
    november.api.clock.to("2026-11-23T00:00:00Z")
    november.run("2026-11-23T00:00:00Z")
    before = on(november, "main")
    told = ended(november, version(november, DEARER, CALLS, migrate="now"))
    assert (told["migrated"], told["refused"], told["progress"]) == (1, [], {"done": 2, "total": 2})
    assert on(november, "main") == before


@pytest.mark.together
def test_a_migration_that_was_cut_off_goes_on_and_changes_each_once(
    november: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One subscription a transaction, and the process dies after the first."""
    monkeypatch.setattr(service, "CHUNK", 1)
    kept = PlanMigrations._step
    steps: list[str] = []

    def once(self: PlanMigrations, organization: str, migration: str) -> bool:
        if steps:
            return False
        steps.append(migration)
        return kept(self, organization, migration)

    monkeypatch.setattr(PlanMigrations, "_step", once)
    made = version(november, DEARER, CALLS, migrate="now")
    half = ended(november, made)
    assert (half["status"], half["progress"], half["migrated"]) == ("running", {"done": 1, "total": 2}, 1)
    monkeypatch.setattr(PlanMigrations, "_step", kept)
    november.api.farthing[PlanMigrations].resume()
    november.api.farthing[PlanMigrations].resume()
    whole = ended(november, made)
    assert (whole["status"], whole["progress"], whole["migrated"]) == ("completed", {"done": 2, "total": 2}, 2)
    assert [len(on(november, key)["changes"]) for key in ("main", "other")] == [1, 1]


@pytest.mark.together
def test_two_processes_at_once_change_each_once(november: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes the row, and from it where the other came to."""
    for number in range(6):
        november.customer(f"c{number}")
        november.subscribe(customer=f"c{number}", key=f"s{number}", starts_at="2026-11-01T00:00:00Z")
    monkeypatch.setattr(service, "CHUNK", 1)
    monkeypatch.setattr(PlanMigrations, "begin_migration", lambda self, organization, migration: None)
    made = version(november, DEARER, CALLS, migrate="now")
    assert ended(november, made)["status"] == "queued"
    with ThreadPoolExecutor(2) as processes:
        for done in [processes.submit(november.api.farthing[PlanMigrations].resume) for _ in range(2)]:
            done.result()
    told = ended(november, made)
    assert (told["status"], told["progress"], told["migrated"]) == ("completed", {"done": 8, "total": 8}, 8)
    assert {len(one["changes"]) for one in november.api.every("/v1/subscriptions")} == {1}


@pytest.mark.parametrize(("fields", "field"), [
    ({"migrate": "soon"}, "migrate"), ({"migrate": None}, "migrate"), ({"dry_run": "yes"}, "dry_run"),
    ({"prices": [BASE, BASE], "migrate": "now", "dry_run": True}, "prices[1].key"),
])
def test_a_version_against_a_rule_is_refused(november: Books, fields: dict[str, Any], field: str) -> None:
    body = {"name": "Pro", "currency": "USD", "interval": "month", "prices": [BASE]} | fields
    answer = november.api.post("/v1/plans/pro/versions", body)
    assert answer.status_code == 422
    assert field in [each["field"] for each in (answer.json or {})["errors"]]
    assert len(november.api.every("/v1/plans/pro/versions")) == 1


def test_migrations_are_of_ones_own_organisation(november: Books) -> None:
    """T44."""
    made = version(november, DEARER, CALLS, migrate="next_period")
    stranger = Books(november.api.stranger())
    stranger.meter()
    stranger.plan(BASE, CALLS)
    assert stranger.api.every("/v1/plans/pro/migrations") == []
    assert stranger.api.get(f"/v1/plans/pro/migrations/{made['migration']['id']}").status_code == 404
