"""`farthing simulate` and sandboxes on the command line."""

import json

import pytest
from typer.testing import CliRunner

from farthing.cli import app
from farthing.simulation import running
from farthing.verification import CHECKS, Broken, Verified
from tests.system.program import Program

SHORT = ("simulate", "--months", "1", "--customers", "3", "--seed", "11")


def test_the_same_seed_is_the_same_company_in_any_store(program: Program) -> None:
    """To the last unit: once beside others in the configured store, once in one of its own."""
    first = program.json(*SHORT)
    assert [one["holds"] for one in first["checks"]] == [True] * len(CHECKS)
    assert program.json(*SHORT, "--temporary")["digest"] == first["digest"] != program.json(
        *SHORT[:-1], "12", "--temporary"
    )["digest"]
    listed = program.json("orgs", "list")
    assert [(one["name"], one["sandbox"]) for one in listed if one["id"] == first["organization"]] == [
        ("Simulation 11 of 1 months", True),
    ]
    assert "9 of 9 checks hold." in program.run(*SHORT, "--temporary")


def test_a_sandbox_has_the_clock_that_it_was_made_with(program: Program) -> None:
    made = program.json("orgs", "create", "Trial", "--sandbox", "--clock", "2030-01-31T12:00:00+01:00")
    program.secret = program.json("keys", "create", "--scopes", "admin", "--org", made["id"])["secret"]
    program.start()
    assert program.get("/v1/test-clock")["now"] == "2030-01-31T11:00:00Z"
    assert program.get("/v1/organization")["sandbox"] is True
    program.run("orgs", "create", "--name", "Trial", "--clock", "2030-01-31T12:00:00Z", status=2)
    program.run("orgs", "create", "Trial", "--sandbox", "--clock", "tomorrow", status=2)
    program.run("orgs", "create", "--sandbox", status=2)


def test_an_unsound_end_is_exit_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Verified(CHECKS[0], [Broken("org_1", "INV-1", "is wrong")])
    monkeypatch.setattr(running, "verify", lambda farthing, organizations: iter([wrong]))
    done = CliRunner().invoke(app, [*SHORT, "--temporary", "--json"])
    assert done.exit_code == 1
    assert [one["holds"] for one in json.loads(done.stdout)["checks"]] == [False]
