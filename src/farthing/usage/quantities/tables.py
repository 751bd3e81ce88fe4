"""Usage cut into windows and groups: values in, values out."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farthing.pricing.aggregation import Aggregation, Partial, Point, aggregate, merged, partial_of, result, sum_of
from farthing.pricing.arithmetic import EXACT, ZERO, Exact
from farthing.pricing.calendar import Period

Group = tuple[str | None, ...]  # the values of the properties asked for, in their order
NO_GROUP: Group = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """The quantity of one group in one window."""

    window: Period
    group: Group
    value: Exact


def of_points(
    aggregation: Aggregation, points: Sequence[Point], windows: Sequence[Period], group_by: Sequence[str]
) -> list[Cell]:
    """The quantities that all points make, each by itself; for weighted_sum, earlier ones leave the level.

    points   in any order, none after the last window; those before the first matter to weighted_sum only
    windows  rising, without gaps between them
    returns  by window, then group; without group_by every window is there, else only those with usage
    """
    placed, earlier = _placed(points, [window.start for window in windows], group_by)
    carries = aggregation is Aggregation.WEIGHTED_SUM
    levels = {group: sum_of(before) for group, before in earlier.items()} if carries else {}
    cells: list[Cell] = []
    for window, groups in zip(windows, placed, strict=True):
        for group in _shown(groups.keys() | {group for group, level in levels.items() if level}, group_by):
            inside, level = groups.get(group, []), levels.get(group, ZERO)
            cells.append(Cell(window, group, aggregate(aggregation, inside, window, level)))
            if carries:
                levels[group] = EXACT.add(level, sum_of(inside))
    return cells


def _placed(
    points: Iterable[Point], starts: Sequence[datetime], group_by: Sequence[str]
) -> tuple[list[dict[Group, list[Point]]], dict[Group, list[Point]]]:
    """By window the points of each group, and those before the first window."""
    placed: list[dict[Group, list[Point]]] = [{} for _ in starts]
    earlier: dict[Group, list[Point]] = {}
    for point in points:
        place = bisect_right(starts, point.time) - 1
        (earlier if place < 0 else placed[place]).setdefault(group_of(point.properties, group_by), []).append(point)
    return placed, earlier


def of_partials(
    aggregation: Aggregation, partials: Iterable[tuple[int, Group, Partial]], windows: Sequence[Period],
    group_by: Sequence[str],
) -> list[Cell]:
    """The quantities that partials make, each given with the place of its window and its group."""
    placed: list[dict[Group, Partial]] = [{} for _ in windows]
    for place, group, partial in partials:
        found = placed[place].get(group)
        placed[place][group] = partial if found is None else merged(found, partial)
    return [
        Cell(window, group, result(aggregation, groups.get(group, Partial())))
        for window, groups in zip(windows, placed, strict=True)
        for group in _shown(groups.keys(), group_by)
    ]


def partials_of(
    points: Iterable[Point], windows: Sequence[Period], group_by: Sequence[str]
) -> Iterable[tuple[int, Group, Partial]]:
    """Points one by one as `of_partials` takes them."""
    starts = [window.start for window in windows]
    for point in points:
        yield bisect_right(starts, point.time) - 1, group_of(point.properties, group_by), partial_of(point)


def group_of(properties: Mapping[str, str | None], group_by: Sequence[str]) -> Group:
    """The values of these properties; a missing one is null (rule 17)."""
    return tuple(properties.get(name) for name in group_by)


def _shown(groups: Iterable[Group], group_by: Sequence[str]) -> list[Group]:
    """Values as text, null last; without group_by the one group there is, with usage or not."""
    if not group_by:
        return [NO_GROUP]
    return sorted(groups, key=lambda group: [(value is None, value or "") for value in group])
