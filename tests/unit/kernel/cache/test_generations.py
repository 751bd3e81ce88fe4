"""The counters beside an SQLite file."""

from pathlib import Path

import pytest

from farthing.kernel.cache.generations import Generations

ONE = frozenset({"org_1/inv_1"})


def test_a_change_is_seen_by_who_shares_the_file(tmp_path: Path) -> None:
    writer, reader = Generations(tmp_path / "g"), Generations(tmp_path / "g")
    slot, other = reader.slot("org_1/inv_1"), reader.slot("org_1/inv_2")
    assert (reader.of(slot), reader.of(other)) == (0, 0)
    with writer.changing(ONE):
        assert (reader.of(slot), reader.of(other)) == (1, 0)
    assert (reader.of(slot), reader.of(other)) == (2, 0)


def test_a_commit_that_fails_ends_what_was_kept_too(tmp_path: Path) -> None:
    """Its outcome may be unknown."""
    generations = Generations(tmp_path / "g")
    with pytest.raises(OSError), generations.changing(ONE):
        raise OSError
    assert generations.of(generations.slot("org_1/inv_1")) == 2
    assert not generations.busy


def test_what_a_dead_writer_left_is_made_even_by_the_next(tmp_path: Path) -> None:
    dead, alive = Generations(tmp_path / "g"), Generations(tmp_path / "g")
    slot = alive.slot("org_1/inv_1")
    dying = dead.changing(ONE)
    dying.__enter__()  # and never left
    assert alive.of(slot) == 1
    with alive.changing(frozenset({"org_1/inv_2"})):
        assert alive.of(slot) == 2
    assert (alive.of(slot), alive.of(alive.slot("org_1/inv_2")), alive.busy) == (2, 2, False)


def test_names_of_one_counter_are_one_step(tmp_path: Path) -> None:
    """Two steps would leave it even while it changes."""
    generations = Generations(tmp_path / "g")
    names = frozenset(f"org_1/inv_{number}" for number in range(2_000))
    slots = {generations.slot(name) for name in names}
    assert len(slots) < len(names)
    with generations.changing(names):
        assert {generations.of(slot) for slot in slots} == {1}
    assert {generations.of(slot) for slot in slots} == {2}


def test_one_commit_may_change_things_of_two_kinds(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "g")
    one, other = generations.slot("org_1/inv_1"), generations.slot("org_1")
    with generations.changing(ONE), generations.changing(frozenset({"org_1", "org_1/inv_1"})):
        assert (generations.of(one), generations.of(other), generations.busy) == (1, 1, True)
    assert (generations.of(one), generations.of(other), generations.busy) == (2, 2, False)
