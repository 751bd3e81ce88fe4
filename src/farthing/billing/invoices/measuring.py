"""What meters counted for subscriptions, as prices look at it (rules 16 to 18)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from farthing.billing.invoices.closings import closings
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Meter
from farthing.kernel.database import Database
from farthing.pricing.aggregation import Aggregation, Point
from farthing.pricing.calendar import Period
from farthing.usage import Metering, Tallied, Wanted

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measured:
    """The events that count for a meter in a period, and, for a level, those before it.

    tallied  the events put together, in the place of all points; None where there are points
    """

    meter: Meter
    points: Sequence[Point]
    earlier: Sequence[Point]
    tallied: Sequence[Tallied] | None = None


def wanted_of(one: Subscription, meter: Meter, period: Period) -> Wanted:
    """All that ever came for a subscription's meter in a period, late or not."""
    return Wanted(meter, one.customer, one.id, one.own_usage, period)


def in_time(
    database: Database, organization: str, owners: Iterable[Subscription], wanted: Sequence[Wanted]
) -> Sequence[Wanted]:
    """The same, of meters that ignore what is late without it (rule 18)."""
    ids = {one.subscription for one in wanted if one.meter.ignores_late}
    if not ids:
        return wanted
    with database.read() as connection:
        known = closings(connection, organization, [one for one in owners if one.id in ids])
    return [
        one._replace(closed=known[one.subscription]) if one.meter.ignores_late else one for one in wanted
    ]


def measured(
    metering: Metering, organization: str, wanted: Sequence[Wanted], together: Sequence[bool], upto: int
) -> list[Measured]:
    """What was counted, in the order asked for; a level's earlier changes are asked for with the rest.

    together  for each, whether its events may be put together
    """
    summed = [one for one, may in zip(wanted, together, strict=True) if may]
    tallies = iter(metering.tallies_of(organization, summed, upto) if summed else [])
    found = [next(tallies) if may else None for may in together]
    single = [one for one, tallied in zip(wanted, found, strict=True) if tallied is None]
    asked = [each for one in single for each in (one, *_carried(one))]
    points = iter(metering.points_of(organization, asked, upto) if asked else [])
    return [
        Measured(one.meter, (), (), tallied) if tallied is not None else
        Measured(one.meter, next(points), [point for _ in _carried(one) for point in next(points)])
        for one, tallied in zip(wanted, found, strict=True)
    ]


def _carried(one: Wanted) -> tuple[Wanted, ...]:
    """What came before the period, where a level is carried in from it (rule 17)."""
    if one.meter.aggregation is not Aggregation.WEIGHTED_SUM:
        return ()
    return (one._replace(period=Period(BEGINNING, one.period.start)),)
