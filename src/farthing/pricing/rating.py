"""From a price and its usage to an amount: the one way, for lines, `/v1/rate` and `explain` alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

from farthing.pricing import charges
from farthing.pricing.adjustments import WHOLE, adjusted
from farthing.pricing.aggregation import (
    NOTHING,
    Aggregation,
    Over,
    Partial,
    Point,
    Properties,
    aggregate,
    merged,
    require_inside,
    result,
    sum_of,
)
from farthing.pricing.arithmetic import ZERO, Exact, exactly, rounded
from farthing.pricing.calendar import Period
from farthing.pricing.charges import ONE, Step, amount_of
from farthing.pricing.currencies import Currency
from farthing.pricing.percentages import percentage
from farthing.pricing.prices import (
    Dynamic,
    Flat,
    Graduated,
    GraduatedPercentage,
    Matrix,
    Package,
    Percentage,
    PerUnit,
    Price,
    Volume,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Group: TypeAlias = tuple[str | None, ...]
"""The values of the properties that a price groups by or a matrix has as dimensions."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is priced: a quantity in the meter's unit, and the events behind it for models that look at each.

    Without points, such a model takes the quantity for one event of that amount.
    """

    quantity: Exact
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Rating:
    """What usage costs, in major units: `steps` sum to `exact`, `amount` is that rounded."""

    amount: Decimal
    exact: Exact
    quantity: Exact
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class GroupRating:
    """The rating of one group; `group` has a value for each property of the price's `group_by`."""

    group: Group
    rating: Rating


def usage_of(events: Iterable[tuple[Decimal, Properties]]) -> Usage:
    """Usage given as bare events, each an amount and its properties, in order of time."""
    points = tuple(
        Point(_EPOCH + timedelta(microseconds=number), "", str(number), quantity, properties)
        for number, (quantity, properties) in enumerate(events)
    )
    return Usage(sum_of(points), points)


def rate(price: Price, usage: Usage, currency: Currency, share: Fraction = WHOLE) -> Rating:
    """What a price charges for the usage of one period.

    price    lawful: `violations` found none
    usage    of the whole period, and of one group where the price groups; without a meter its quantity
    share    of a full period: minimum and maximum shrink with it (rule 9)
    returns  the amount in major units of the currency, at its own decimals, and how it came about
    raises   UnpricedUsage
    """
    with exactly():
        steps = _MODELS[type(price.charge)](price.charge, usage)
        steps += adjusted(price, amount_of(steps), currency, share)
        exact = amount_of(steps)
        quantity = ONE if isinstance(price.charge, Flat) else usage.quantity
        return Rating(rounded(exact, currency), exact, quantity, steps)


def _units(usage: Usage) -> Exact:
    """The quantity to price: a negative one is zero units (rule 4)."""
    return usage.quantity if usage.quantity > 0 else ZERO


def _events(usage: Usage) -> Sequence[Point]:
    if usage.points or not usage.quantity:
        return usage.points
    quantity = usage.quantity
    if not isinstance(quantity, Decimal):
        raise TypeError("An event's amount is a decimal, not a fraction.")
    return usage_of([(quantity, {})]).points


def _combinations(usage: Usage, dimensions: Sequence[str]) -> Mapping[Group, Decimal]:
    counted = [point for point in _events(usage) if point.value is not None]
    return {values: sum_of(points) for values, points in grouped(counted, dimensions).items()}


_MODELS: Mapping[type, Callable[[Any, Usage], tuple[Step, ...]]] = {
    Flat: lambda c, usage: charges.flat(c.amount),
    PerUnit: lambda c, usage: charges.per_unit(_units(usage), c.unit_amount, c.free_units),
    Graduated: lambda c, usage: charges.graduated(_units(usage), c.tiers),
    Volume: lambda c, usage: charges.volume(_units(usage), c.tiers),
    Package: lambda c, usage: charges.package(_units(usage), c.package_size, c.package_amount, c.free_units),
    Percentage: lambda c, usage: percentage(_events(usage), c),
    GraduatedPercentage: lambda c, usage: charges.graduated_percentage(_units(usage), c.tiers),
    Matrix: lambda c, usage: charges.matrix(_combinations(usage, c.dimensions), c),
    Dynamic: lambda c, usage: charges.dynamic(_events(usage), c.amount_property),
}


def grouped(points: Iterable[Point], names: Sequence[str]) -> dict[Group, list[Point]]:
    """Points by the values of the named properties, a missing one being null."""
    groups: dict[Group, list[Point]] = {}
    for point in points:
        values = tuple([point.properties.get(name) for name in names])
        groups.setdefault(values, []).append(point)
    return groups


def rate_metered(
    price: Price,
    aggregation: Aggregation,
    points: Iterable[Point],
    period: Period,
    currency: Currency,
    earlier: Iterable[Point] = (),
    share: Fraction = WHOLE,
    over: Over | None = None,
) -> tuple[GroupRating, ...]:
    """What a metered price charges for one usage period, each group rated by itself (rule 10).

    points   the events of the period that the meter counts; the price's own filter is applied here
    earlier  for weighted_sum: all events before the period, whose changes make the level carried in
    share    of a full period, where the subscription begins or ends in it (rule 9)
    over     of which full period it is a part, and the pauses in it; None where it is full and has none
    returns  a rating for each group that has an event or carries a level in, values as text and null last;
             without `group_by` exactly one, also without events
    raises   OutsidePeriod, UnpricedUsage
    """
    points = _filtered(points, price)
    require_inside(points, period)
    if over is not None and aggregation is not Aggregation.WEIGHTED_SUM:
        points = [point for point in points if not over.is_paused(point.time)]
    groups = grouped(points, price.group_by)
    carried = _carried(aggregation, earlier, price, period)
    if not price.group_by:
        groups.setdefault((), [])
    return tuple(
        GroupRating(
            group,
            rate(price, _usage(price, aggregation, groups.get(group, []), period, held, over), currency, share),
        )
        for group in sorted(groups.keys() | carried.keys(), key=charges.nulls_last)
        for held in [carried.get(group, ZERO)]
    )


@dataclass(frozen=True, slots=True)
class Tallied:
    """Events of a meter put together that agree in these properties, the only ones that can be told of them."""

    properties: Properties
    partial: Partial


def looks_at(price: Price) -> frozenset[str] | None:
    """The properties by which a price tells events apart; None where it looks at each event by itself."""
    if isinstance(price.charge, (Percentage, Dynamic)):
        return None
    dimensions = price.charge.dimensions if isinstance(price.charge, Matrix) else ()
    return frozenset([*price.group_by, *price.filter, *dimensions])


def rate_tallied(
    price: Price, aggregation: Aggregation, tallied: Iterable[Tallied], currency: Currency, share: Fraction = WHOLE
) -> tuple[GroupRating, ...]:
    """What `rate_metered` makes of the same events one by one, for a full period without pauses.

    tallied      each event of the period in one of them; they tell all that the price looks at
    aggregation  one that rollups can answer for
    raises       UnpricedUsage
    """
    groups: dict[Group, list[Tallied]] = {} if price.group_by else {(): []}
    for one in tallied:
        if all(one.properties.get(name) in values for name, values in price.filter.items()):
            groups.setdefault(tuple([one.properties.get(name) for name in price.group_by]), []).append(one)
    return tuple(
        GroupRating(group, rate(price, _tallied_usage(price, aggregation, groups[group]), currency, share))
        for group in sorted(groups, key=charges.nulls_last)
    )


def _tallied_usage(price: Price, aggregation: Aggregation, tallied: Sequence[Tallied]) -> Usage:
    with exactly():
        quantity = result(aggregation, reduce(merged, [one.partial for one in tallied], NOTHING))
    points = [_as_point(aggregation, one) for one in tallied] if isinstance(price.charge, Matrix) else []
    return Usage(quantity, tuple(points))


def _as_point(aggregation: Aggregation, one: Tallied) -> Point:
    """One event of all their amount, for a model that sums them by their properties."""
    of_numbers = one.partial.total if one.partial.counted else None
    amount = Decimal(one.partial.events) if aggregation is Aggregation.COUNT else of_numbers
    return Point(_EPOCH, "", "", amount, one.properties)


def counted_for(price: Price, group: Group, points: Iterable[Point]) -> Sequence[Point]:
    """Those of a meter's points that a price counts for one of its groups (rule 10)."""
    return grouped(_filtered(points, price), price.group_by).get(group, [])


def _filtered(points: Iterable[Point], price: Price) -> Sequence[Point]:
    allowed = [(name, frozenset(values)) for name, values in price.filter.items()]
    if not allowed:
        return list(points)
    return [p for p in points if all(p.properties.get(name) in values for name, values in allowed)]


def _carried(
    aggregation: Aggregation, earlier: Iterable[Point], price: Price, period: Period
) -> dict[Group, Decimal]:
    if aggregation is not Aggregation.WEIGHTED_SUM:
        return {}
    earlier = _filtered(earlier, price)
    require_inside(earlier, Period(datetime.min.replace(tzinfo=UTC), period.start))
    groups = grouped(earlier, price.group_by)
    levels = {group: sum_of(points) for group, points in groups.items()}
    return {group: held for group, held in levels.items() if held}


def _usage(
    price: Price, aggregation: Aggregation, points: Sequence[Point], period: Period, held: Decimal,
    over: Over | None,
) -> Usage:
    quantity = aggregate(aggregation, points, period, held, over)
    if aggregation is Aggregation.COUNT and isinstance(price.charge, Matrix):
        points = [replace(point, value=ONE) for point in points]
    return Usage(quantity, tuple(points))
