"""What is remembered is current, or it is loaded again."""

from pathlib import Path

import pytest

from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.remembered import Remembered


class Loads:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "g"


def test_it_is_loaded_once_until_another_process_changes_it(place: Path) -> None:
    mine, load = Remembered[int](Generations(place)), Loads()
    assert [mine.get("org_1", load) for _ in range(3)] == [1, 1, 1]
    with Generations(place).changing(frozenset({"org_1"})):
        assert [mine.get("org_1", load) for _ in range(2)] == [2, 3]  # while it changes nobody knows
    assert [mine.get("org_1", load) for _ in range(2)] == [4, 4]
    assert mine.get("org_2", load) == 5


def test_what_changed_while_it_was_loaded_is_not_kept(place: Path) -> None:
    generations = Generations(place)
    mine, load = Remembered[int](generations), Loads()

    def overtaken() -> int:
        with generations.changing(frozenset({"org_1"})):
            return load()

    assert (mine.get("org_1", overtaken), mine.get("org_1", load)) == (1, 2)


def test_without_generations_nothing_is_remembered() -> None:
    mine, load = Remembered[int](None), Loads()
    assert [mine.get("org_1", load) for _ in range(3)] == [1, 2, 3]
