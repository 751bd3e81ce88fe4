"""What a subscription owes at a boundary: its usage read, and priced by the pure core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog, Meter, Plan
from farthing.pricing.aggregation import Aggregation, Point
from farthing.pricing.boundaries import Boundary
from farthing.pricing.calendar import Period
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, QuantityMissing, boundary_lines, totals
from farthing.pricing.prices import Price
from farthing.pricing.rating import GroupRating, rate_metered
from farthing.usage import Metering, Wanted

PARKS = (UnpricedUsage, QuantityMissing, UnsoundInvoice, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Due:
    """A boundary of a subscription to be priced."""

    subscription: Subscription
    boundary: Boundary


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a boundary, or why they cannot be told, in words."""

    due: Due
    plan: Plan
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
        plans = self.catalog.plans(organization, {(d.subscription.plan, d.subscription.plan_version) for d in due})
        meters = {meter.key: meter for meter in self.catalog.meters(organization)}
        plan_of = [plans[d.subscription.plan, d.subscription.plan_version] for d in due]
        asked = [_wanted(d, plan, meters) for d, plan in zip(due, plan_of, strict=True)]
        points = iter(self.metering.points_of(organization, [one for each in asked for one in each], position))
        measured = [
            {one.meter.key: self._measured(organization, one, found, position)
             for one, found in zip(each, islice(points, len(each)), strict=True)}
            for each in asked
        ]
        return [_rated(d, plan, one) for d, plan, one in zip(due, plan_of, measured, strict=True)]

    def measured(
        self, organization: str, subscription: Subscription, meter: Meter, period: Period, upto: int
    ) -> Measured:
        """What one meter counted for a subscription in a period."""
        wanted = Wanted(meter, subscription.customer, subscription.id, subscription.own_usage, period)
        [points] = self.metering.points_of(organization, [wanted], upto)
        return self._measured(organization, wanted, points, upto)

    def _measured(self, organization: str, wanted: Wanted, points: Sequence[Point], upto: int) -> Measured:
        earlier: Sequence[Point] = ()
        if wanted.meter.aggregation is Aggregation.WEIGHTED_SUM:
            earlier = self.metering.earlier(
                organization, wanted.meter, wanted.customer, wanted.subscription, wanted.own_usage,
                wanted.period.start, upto,
            )
        return Measured(wanted.meter, points, earlier)


def _wanted(due: Due, plan: Plan, meters: Mapping[str, Meter]) -> list[Wanted]:
    """The usage that a boundary needs: of each meter once, however many prices look at it."""
    if due.boundary.ended is None:
        return []
    one = due.subscription
    keys = dict.fromkeys(price.meter for price in plan.prices if price.meter is not None)
    return [Wanted(meters[key], one.customer, one.id, one.own_usage, due.boundary.ended) for key in keys]


def _rated(due: Due, plan: Plan, measured: Mapping[str, Measured]) -> Rated:
    unit = currency(plan.currency)
    try:
        usage = {
            price.key: ratings(price, measured[price.meter], due.boundary.ended, plan)
            for price in plan.prices if price.meter is not None and due.boundary.ended is not None
        }
        lines = boundary_lines(plan.prices, due.subscription.quantities, due.boundary, usage, unit)
        check_invoice(lines, totals(lines), unit)
    except PARKS as error:
        reason = str(error) or type(error).__name__
        return Rated(due, plan, (), f"The invoice of {due.boundary.at:%Y-%m-%d} cannot be made: {reason}")
    return Rated(due, plan, lines, None)


def ratings(price: Price, measured: Measured, period: Period, plan: Plan) -> tuple[GroupRating, ...]:
    """What a metered price charges for a period, group by group; raises UnpricedUsage."""
    return rate_metered(
        price, measured.meter.aggregation, measured.points, period, currency(plan.currency), measured.earlier
    )
