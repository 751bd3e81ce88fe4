"""What a subscription owes at a boundary: its usage read, and priced by the pure core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from farthing.billing.subscriptions.overrides import terms
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog, Meter, Plan
from farthing.pricing.aggregation import Aggregation, OutsidePeriod, Point
from farthing.pricing.boundaries import Boundary, Part
from farthing.pricing.calendar import Period, local_day
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, QuantityMissing, boundary_lines
from farthing.pricing.prices import Price
from farthing.pricing.rating import GroupRating, rate_metered
from farthing.pricing.totalling import totals
from farthing.usage import Metering, Wanted

PARKS: Final = (UnpricedUsage, QuantityMissing, UnsoundInvoice, OutsidePeriod, ArithmeticError)
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """A boundary of a subscription to be priced."""

    subscription: Subscription
    boundary: Boundary

    @property
    def day(self) -> date:
        """The subscription's local day that begins at the boundary."""
        return local_day(self.boundary.at, ZoneInfo(self.subscription.timezone))


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a boundary from the events up to `position`, or why they cannot be told, in words."""

    due: Due
    plan: Plan
    position: int
    lines: Sequence[Line]
    refused: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The events that count for a meter in a period, and, for a level, those before it."""

    meter: Meter
    points: Sequence[Point]
    earlier: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Rater:
    """Prices boundaries; reads the catalogue and the usage, writes nothing."""

    catalog: Catalog
    metering: Metering

    def follow(self, organization: str) -> int:
        """Bring the measured usage up to the last acknowledged event; its sequence number."""
        position = self.metering.position(organization)
        self.metering.follow(organization, self.catalog.meters(organization), position)
        return position

    def rate(self, organization: str, due: Sequence[Due], position: int) -> list[Rated]:
        """The lines of these boundaries from the events up to `position`, in the order asked for (rule 25)."""
        return self.rate_by(organization, due, self.terms_of(organization, due), position)

    def terms_of(self, organization: str, due: Sequence[Due]) -> list[Plan]:
        """The plans of these subscriptions, as they hold for each."""
        plans = self.catalog.plans(organization, {(d.subscription.plan, d.subscription.plan_version) for d in due})
        return [terms(plans[d.subscription.plan, d.subscription.plan_version], d.subscription) for d in due]

    def rate_by(
        self, organization: str, due: Sequence[Due], plan_of: Sequence[Plan], position: int
    ) -> list[Rated]:
        """The lines of these boundaries by plans that are given, one for each."""
        meters = {meter.key: meter for meter in self.catalog.meters(organization)}
        asked = [_metered(d, plan, meters) for d, plan in zip(due, plan_of, strict=True)]
        measured = iter(self._measured(organization, [one for each in asked for one in each], position))
        return [
            _rated(d, plan, {one.meter.key: one for one in islice(measured, len(each))}, position)
            for d, plan, each in zip(due, plan_of, asked, strict=True)
        ]

    def measured(
        self, organization: str, subscription: Subscription, meter: Meter, period: Period, upto: int
    ) -> Measured:
        """What one meter counted for a subscription in a period."""
        [measured] = self._measured(organization, [_wanted(subscription, meter, period)], upto)
        return measured

    def _measured(self, organization: str, wanted: Sequence[Wanted], upto: int) -> list[Measured]:
        """What was counted, in the order asked for; a level's earlier changes are asked for with the rest."""
        asked = [each for one in wanted for each in (one, *_carried(one))]
        points = iter(self.metering.points_of(organization, asked, upto))
        return [
            Measured(one.meter, next(points), [point for _ in _carried(one) for point in next(points)])
            for one in wanted
        ]


def _metered(due: Due, plan: Plan, meters: Mapping[str, Meter]) -> list[Wanted]:
    """The usage that a boundary needs: of each meter once, however many prices look at it."""
    if due.boundary.used is None:
        return []
    keys = dict.fromkeys(price.meter for price in plan.prices if price.meter is not None)
    return [_wanted(due.subscription, meters[key], due.boundary.used.period) for key in keys]


def _wanted(one: Subscription, meter: Meter, period: Period) -> Wanted:
    return Wanted(meter, one.customer, one.id, one.own_usage, period)


def _carried(one: Wanted) -> tuple[Wanted, ...]:
    """What came before the period, where a level is carried in from it (rule 17)."""
    if one.meter.aggregation is not Aggregation.WEIGHTED_SUM:
        return ()
    return (one._replace(period=Period(BEGINNING, one.period.start)),)


def _rated(due: Due, plan: Plan, measured: Mapping[str, Measured], position: int) -> Rated:
    unit = currency(plan.currency)
    try:
        usage = {} if due.boundary.used is None else {
            price.key: ratings(price, measured[price.meter], due.boundary.used, plan)
            for price in plan.prices if price.meter is not None
        }
        lines = boundary_lines(plan.prices, due.subscription.quantities, due.boundary, usage, unit)
        check_invoice(lines, totals(lines), unit)
    except PARKS as error:
        return Rated(due, plan, position, (), refusal(due, error))
    return Rated(due, plan, position, lines, None)


def refusal(due: Due, why: Exception | str) -> str:
    """Why the invoice of a boundary cannot be made, in words."""
    return f"The invoice of {due.day.isoformat()} cannot be made: {str(why) or type(why).__name__}"


def ratings(price: Price, measured: Measured, part: Part, plan: Plan) -> tuple[GroupRating, ...]:
    """What a metered price charges for a usage period, group by group; raises UnpricedUsage."""
    unit = currency(plan.currency)
    return rate_metered(
        price, measured.meter.aggregation, measured.points, part.period, unit, measured.earlier, part.share
    )
