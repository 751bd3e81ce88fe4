"""How measurements become figures; nothing is said about time."""

from pathlib import Path

import pytest

from farthing.bench.events import BATCH, sample_events
from farthing.bench.figures import Round, WrongAnswer, figure, per_second, require, sync_seconds


def test_a_ratio_is_taken_within_its_own_round() -> None:
    """Three rounds on a machine that gets twice and four times slower: the ratio stays one half."""
    found = figure("all", "rows", ["floor"], [Round(100, (200,)), Round(50, (100,)), Round(25, (50,))])
    assert (found.per_second, found.floors[0].per_second, found.floors[0].ratio) == (50, 100, 0.5)
    assert found.json == {
        "name": "all", "unit": "rows", "per_second": 50.0,
        "floors": [{"name": "floor", "per_second": 100.0, "ratio": 0.5}],
    }
    assert len(found.lines) == 2


def test_a_fast_wrong_answer_is_no_result() -> None:
    require(3, 3, "rows")
    with pytest.raises(WrongAnswer, match="rows: found 2, expected 3"):
        require(2, 3, "rows")


def test_the_work_is_done_once(tmp_path: Path) -> None:
    done: list[int] = []
    assert per_second(5, lambda: done.append(1)) > 0
    assert done == [1]
    assert sync_seconds(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_sample_events_are_the_same_for_the_same_seed() -> None:
    one = sample_events(BATCH + 1, seed=1)
    assert one == sample_events(BATCH + 1, seed=1) != sample_events(BATCH + 1, seed=2)
    assert (len(one.bodies), len(one.rows), len({row[2] for row in one.rows})) == (2, BATCH + 1, BATCH + 1)
