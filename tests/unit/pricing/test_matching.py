"""Amounts that sum to another (rule 24)."""

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.matching import find_pair, pairs, sets, some_sets
from farthing.pricing.references import numbers_in

SMALL = st.lists(st.integers(-20, 20), max_size=14)
TARGETS = st.integers(-50, 60)


class Counted(list[int]):
    """A sequence that counts how often it is looked at."""

    looks = 0

    def __getitem__(self, index: object) -> int:  # type: ignore[override]  # only ever by one index
        self.looks += 1
        return super().__getitem__(index)  # type: ignore[no-any-return, call-overload]  # as above


@pytest.mark.parametrize(("amounts", "target", "answer"), [
    ([], 0, None), ([5], 10, None), ([5, 5], 10, (0, 1)), ([1, 2, 4, 7], 6, (1, 2)), ([1, 2, 4, 7], 12, None),
    ([-7, 0, 3, 10], 3, (0, 3)), ([0, 0], 0, (0, 1)), ([1, 3, 5], 10, None),
])
def test_a_pair_by_two_pointers(amounts: list[int], target: int, answer: tuple[int, int] | None) -> None:
    """An amount is never taken twice: 5 and 5 are two (rule 24)."""
    assert find_pair(amounts, target) == answer


def test_decimals_are_added_exactly() -> None:
    """The default context would round the first sum to one that fits (rule 1)."""
    amounts = [Decimal("0.1"), Decimal("0.2"), Decimal("1" + "0" * 30)]
    assert find_pair(amounts, Decimal("0.3")) == (0, 1)  # type: ignore[arg-type]  # whole or decimal alike
    assert find_pair(amounts, Decimal("1" + "0" * 30)) is None  # type: ignore[arg-type]  # as above


@given(amounts=SMALL, target=TARGETS)
def test_all_pairs_are_those_of_trying_all(amounts: list[int], target: int) -> None:
    """Equal amounts at other places are other answers, so ambiguity is noticed (rule 24)."""
    amounts.sort()
    tried = [two for two in combinations(range(len(amounts)), 2) if amounts[two[0]] + amounts[two[1]] == target]
    found = list(pairs(amounts, target))
    assert sorted(found) == tried
    assert find_pair(amounts, target) == (found[0] if tried else None)


@given(amounts=st.lists(st.integers(-9, 12), max_size=9), target=TARGETS)
def test_all_sets_are_those_of_trying_all(amounts: list[int], target: int) -> None:
    """Three, four and five, each once (rule 24)."""
    tried = [
        some for size in (3, 4, 5) for some in combinations(range(len(amounts)), size)
        if sum(amounts[index] for index in some) == target
    ]
    assert sorted(sets(amounts, target)) == sorted(tried)


def test_a_pair_among_a_hundred_thousand_is_found_in_one_walk() -> None:
    """Linear after sorting: each step looks at two amounts and moves one pointer (rule 24)."""
    amounts = Counted(range(0, 300_000, 3))
    assert find_pair(amounts, 300_001 * 2) is None
    assert amounts.looks <= 2 * len(amounts)
    assert find_pair(amounts, 3 + 6) == (0, 3)
    assert amounts.looks <= 5 * len(amounts)


def test_sets_look_only_at_what_can_be_in_one() -> None:
    amounts = [900, 100, 5_000, 200, 300, 400]
    assert some_sets(amounts, 600, 5) == [(1, 3, 4)]
    assert len(some_sets([100] * 60, 500, 4)) == 4


@pytest.mark.parametrize(("text", "numbers"), [
    ("INV-2026-000001", ["INV-2026-000001"]), ("inv 2026 000001", ["INV-2026-000001"]),
    ("Payment INV2026000001, thanks", ["INV-2026-000001"]), ("Ref:Inv–2026–000017.", ["INV-2026-000017"]),
    ("INV-2026-\n000001", ["INV-2026-000001"]), ("ＩＮＶ-2026-000001", ["INV-2026-000001"]),
    ("INV-2026-000001+INV-2026-000002 and inv/2026/000001", ["INV-2026-000001", "INV-2026-000002"]),
    ("INV-2026-000001 2026-11-20", ["INV-2026-000001"]), ("INV-2026-1234567", ["INV-2026-1234567"]),
    ("INV-2026-0000011", []), ("INV-2026-00001", []), ("XINV-2026-000001", []), ("INV-2026-000001-02", []),
    ("INV-2026-000001A", []), ("7INV-2026-000001", []), ("2026-000001", []), ("CRN-2026-000001", []), ("", []),
    ("INV-12026-000001", []), ("I NV-2026-000001", []),
])
def test_numbers_are_found_in_free_text(text: str, numbers: list[str]) -> None:
    """But never one inside a longer one (rule 24)."""
    assert list(numbers_in(text)) == numbers


@given(year=st.integers(2000, 2099), number=st.integers(1, 9_999_999), data=st.data())
def test_a_number_is_found_however_it_is_written(year: int, number: int, data: st.DataObject) -> None:
    gaps = st.sampled_from(["", " ", "-", " - ", "/", "."])
    around = st.sampled_from(["", "paid ", "(", "no. ", "\n"])
    text = data.draw(around) + "INV" + data.draw(gaps) + f"{year}" + data.draw(gaps) + f"{number:06d}"
    cased = "".join(data.draw(st.sampled_from([str.upper, str.lower]))(one) for one in text)
    assert list(numbers_in(cased + data.draw(st.sampled_from(["", ",", " x", ")"])))) == [f"INV-{year}-{number:06d}"]
