"""Which amounts sum to another: pairs by two pointers, small sets by meeting in the middle (rule 24).

Amounts are whole minor units of one currency; the order of the pieces is the caller's.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Final

from farthing.pricing.arithmetic import exactly

MOST_IN_SETS: Final = 60  # amounts among which sets of three to five are looked for
LARGEST_SET: Final = 5


def find_pair(amounts: Sequence[int], target: int) -> tuple[int, int] | None:
    """The indexes of two different amounts that sum to `target`, the lower first; None when there are none (rule 24).

    amounts  sorted, the smallest first, of either sign; decimals will do too. Linear in their number
    """
    with exactly():
        return next(pairs(amounts, target), None)


def pairs(amounts: Sequence[int], target: int) -> Iterator[tuple[int, int]]:
    """The indexes of all pairs that sum to `target`: equal amounts at two places are two answers (rule 24).

    amounts  sorted, the smallest first. Linear up to each pair, so that a second one is found as cheaply as the first
    """
    low, high = 0, len(amounts) - 1
    while low < high:
        found = amounts[low] + amounts[high]
        if found < target:
            low += 1
        elif found > target:
            high -= 1
        elif amounts[low] == amounts[high]:
            yield from combinations(range(low, high + 1), 2)
            return
        else:
            after = _end_of_equals(amounts, low, 1)
            before = _end_of_equals(amounts, high, -1)
            yield from ((one, other) for one in range(low, after) for other in range(high, before, -1))
            low, high = after, before


def _end_of_equals(amounts: Sequence[int], start: int, step: int) -> int:
    """The first index from `start` on whose amount is another one; there is one between the two pointers."""
    end = start
    while amounts[end] == amounts[start]:
        end += step
    return end


def sets(amounts: Sequence[int], target: int) -> Iterator[tuple[int, ...]]:
    """The indexes of all sets of three to five amounts that sum to `target`, each rising (rule 24).

    amounts  at most MOST_IN_SETS, in any order: the work grows with the cube of their number. Around each third
             member, the two before it are looked up by their sum, and the up to two after it are tried
    """
    before: dict[int, list[tuple[int, int]]] = {}
    for third in range(2, len(amounts)):
        for first in range(third - 1):
            before.setdefault(amounts[first] + amounts[third - 1], []).append((first, third - 1))
        for size in range(LARGEST_SET - 2):
            for rest in combinations(range(third + 1, len(amounts)), size):
                left = target - amounts[third] - sum(amounts[index] for index in rest)
                yield from ((*two, third, *rest) for two in before.get(left, ()))


def some_sets(amounts: Sequence[int], target: int, most: int) -> list[tuple[int, ...]]:
    """At most so many of the sets; amounts that no set can hold are passed over."""
    fitting = [index for index, amount in enumerate(amounts) if 0 < amount < target]
    found = islice(sets([amounts[index] for index in fitting], target), most)
    return [tuple(fitting[index] for index in one) for one in found]
