"""`farthing bench` with a few rows, so that it never rots; nothing is said about time."""

import json

import pytest

from tests.system.program import Program


@pytest.mark.slow
def test_each_figure_stands_beside_its_floors(program: Program) -> None:
    program.home.mkdir()
    told = json.loads(program.run("bench", "--rows", "60", "--folder", str(program.home), "--json"))
    figures = [figure for figure in told["figures"] if "PostgreSQL" not in figure["name"]]  # not everywhere
    floors = [(figure["name"].split(":")[0], len(figure["floors"])) for figure in figures]
    assert floors == [
        *[("ingest", 2)] * 5, ("ingest", 1), *[("ingest over HTTP", 1)] * 4, *[("growth", 2)] * 6,
        ("follow", 1), *[("usage", 1)] * 3, ("bill-run", 1), ("read", 1), *[("read", 2)] * 4,
        ("simulation", 1), *[("pdf", 1)] * 2,
    ]
    found = [floor for figure in figures for floor in figure["floors"]]
    assert all(floor["per_second"] > 0 and floor["ratio"] > 0 for floor in found)
    assert all(figure["per_second"] > 0 for figure in figures)
    assert told["sync_ms"] > 0
    assert list(program.home.iterdir()) == []


def test_for_people_it_prints_lines(program: Program) -> None:
    lines = program.run("bench", "ingest", "--rows", "20").splitlines()
    assert lines[1].startswith("A durable write of 4 KiB takes ")
    assert lines[2].startswith("ingest: SQLite, from bytes to commit, random ids, 20 events ")
    assert [line.endswith(" of it") for line in lines[2:5]] == [False, True, True]


def test_what_cannot_be_measured_is_named(program: Program) -> None:
    program.run("bench", "everything", status=2)
