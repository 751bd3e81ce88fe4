"""The clock of a sandbox moves over a year, and the server is killed on the way: it goes on, and bills nobody twice."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from farthing.app import open_farthing
from farthing.kernel.settings import load_settings
from tests.oracle import sound_books
from tests.servers import Servers
from tests.system.client import until
from tests.system.program import Program

SUBSCRIPTIONS = 20
KILLS = 3
PLAN = {
    "key": "p", "name": "P", "currency": "USD", "interval": "month",
    "prices": [{"key": "base", "name": "Base", "model": "flat", "amount": "5.00", "billing": "in_advance"}],
}


def clock_of(program: Program) -> dict[str, Any]:
    return dict(program.get("/v1/test-clock"))


def reached(program: Program, moment: str) -> bool:
    return bool(clock_of(program)["now"] >= moment)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_a_killed_advance_goes_on_and_bills_nobody_twice(engine: str, servers: Servers, tmp_path: Any) -> None:
    """I4, I7 (rules 21, 25 and 26): every boundary once, each issued at its own time, however often it was killed."""
    program = Program(tmp_path / "home", url=servers.url(engine))
    made = program.json("orgs", "create", "Sandbox", "--sandbox", "--clock", "2030-01-01T00:00:00Z")
    assert made["sandbox"] is True
    program.secret = program.json("keys", "create", "--scopes", "admin", "--org", made["id"])["secret"]
    program.start()
    program.post("/v1/plans", PLAN)
    for number in range(SUBSCRIPTIONS):
        program.post("/v1/customers", {"key": f"c{number}", "name": "C"})
        starts_at = f"2030-01-{number % 28 + 1:02}T00:00:00Z"
        program.post("/v1/subscriptions", {
            "customer": f"c{number}", "plan": "p", "starts_at": starts_at, "anchor": "anniversary",
        })
    program.post("/v1/test-clock/advance", {"to": "2031-01-01T00:00:00Z"})
    for kill in range(1, KILLS + 1):
        until(partial(reached, program, f"2030-{kill * 3:02}"), 120)
        program.kill()
        program.start()
    until(lambda: clock_of(program)["status"] == "completed", 300)
    found = clock_of(program)
    assert (found["now"], found["error"], found["parked"]) == ("2031-01-01T00:00:00Z", None, [])
    invoices = program.every("/v1/invoices")
    program.stop()
    final = [one for one in invoices if one["number"]]
    assert Counter((one["subscription"], one["boundary"]) for one in invoices).most_common(1)[0][1] == 1
    assert len(final) == SUBSCRIPTIONS * 12
    assert all(one["issued_at"] == one["boundary"].replace("T00:", "T01:") for one in final)
    opened = open_farthing(load_settings({}, home=str(program.home), database_url=program.url, log_level="error"))
    sound_books(opened, made["id"])
    opened.close()
