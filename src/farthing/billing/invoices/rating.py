"""What a subscription owes at a boundary: its usage read, and priced by the pure core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from farthing.billing.invoices.billed import NO_FEES, Due, Fees, billed_fees, is_adjusted
from farthing.billing.invoices.committed import Priced, true_ups
from farthing.billing.subscriptions.agreed import Plans, agreement_of, versions_of
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog, Meter
from farthing.kernel.database import Database
from farthing.pricing.aggregation import Aggregation, OutsidePeriod, Over, Point
from farthing.pricing.agreements import Agreement, Segment, outside, usage_segments
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Line, QuantityMissing, boundary_lines
from farthing.pricing.rating import GroupRating, rate_metered
from farthing.pricing.totalling import totals
from farthing.usage import Metering, Wanted

PARKS: Final = (UnpricedUsage, QuantityMissing, UnsoundInvoice, OutsidePeriod, ArithmeticError)
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a boundary from the events up to `position`, or why they cannot be told, in words."""

    due: Due
    position: int
    lines: Sequence[Line]
    refused: str | None

    @property
    def currency(self) -> Currency:
        return currency(self.due.subscription.currency)


@dataclass(frozen=True, slots=True)
class Measured:
    """The events that count for a meter in a period, and, for a level, those before it."""

    meter: Meter
    points: Sequence[Point]
    earlier: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Rater:
    """Prices boundaries; reads the catalogue, the usage and what was billed, writes nothing."""

    database: Database
    catalog: Catalog
    metering: Metering

    def follow(self, organization: str) -> int:
        """Bring the measured usage up to the last acknowledged event; its sequence number."""
        position = self.metering.position(organization)
        self.metering.follow(organization, self.catalog.meters(organization), position)
        return position

    def rate(self, organization: str, due: Sequence[Due], position: int) -> list[Rated]:
        """The lines of these boundaries from the events up to `position`, in the order asked for (rule 25).

        What changes give back and charge anew is what their invoices had been billed when this was asked (rule 14).
        """
        plans = self.plans_of(organization, due)
        agreed = [agreement_of(one.subscription, plans) for one in due]
        adjusted = [one for one in due if is_adjusted(one.subscription, one.boundary)]
        fees = Fees()
        if adjusted:
            with self.database.read() as connection:
                rates = self.catalog.tax_rates(organization, hold=False)
                fees = billed_fees(connection, [one.subscription for one in adjusted], self.catalog, rates)
        return self.committed(organization, self.rate_by(organization, due, agreed, position, fees), agreed)

    def committed(self, organization: str, rated: Sequence[Rated], agreed: Sequence[Agreement]) -> list[Rated]:
        """The same boundaries with what minimum commitments add to them, after all other lines but one-off ones."""
        wanted = [place for place, one in enumerate(rated) if one.refused is None and agreed[place].is_committed]
        if not wanted:
            return list(rated)
        priced = [Priced(rated[place].due, rated[place].lines, agreed[place]) for place in wanted]
        rates = self.catalog.tax_rates(organization, hold=False)
        with self.database.read() as connection:
            added = dict(zip(wanted, true_ups(connection, organization, rates, priced), strict=True))
        return [
            replace(one, lines=(*one.lines, *added.get(place, ()))) for place, one in enumerate(rated)
        ]

    def plans_of(self, organization: str, due: Sequence[Due]) -> Plans:
        """All versions of plans that these subscriptions have or had."""
        return self.catalog.plans(organization, versions_of([one.subscription for one in due]))

    def rate_by(
        self, organization: str, due: Sequence[Due], agreed: Sequence[Agreement], position: int, fees: Fees = NO_FEES
    ) -> list[Rated]:
        """The lines of these boundaries by terms that are given, for each."""
        meters = {meter.key: meter for meter in self.catalog.meters(organization)}
        segments = [
            usage_segments(a, d.boundary.used) if d.boundary.used else [] for d, a in zip(due, agreed, strict=True)
        ]
        asked = [_metered(d, each, meters) for d, each in zip(due, segments, strict=True)]
        measured = iter(self._measured(organization, [one for each in asked for one in each], position))
        return [
            _rated(d, a, [(one, counted[one.price.meter or ""]) for one in each], position, fees)
            for d, a, each, wanted in zip(due, agreed, segments, asked, strict=True)
            for counted in [{one.meter.key: one for one in islice(measured, len(wanted))}]
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


def _metered(due: Due, segments: Sequence[Segment], meters: Mapping[str, Meter]) -> list[Wanted]:
    """The usage that a boundary needs: of each meter once, however many prices look at it."""
    if due.boundary.used is None:
        return []
    keys = dict.fromkeys(one.price.meter for one in segments if one.price.meter is not None)
    return [_wanted(due.subscription, meters[key], due.boundary.used.period) for key in keys]


def _wanted(one: Subscription, meter: Meter, period: Period) -> Wanted:
    return Wanted(meter, one.customer, one.id, one.own_usage, period)


def _carried(one: Wanted) -> tuple[Wanted, ...]:
    """What came before the period, where a level is carried in from it (rule 17)."""
    if one.meter.aggregation is not Aggregation.WEIGHTED_SUM:
        return ()
    return (one._replace(period=Period(BEGINNING, one.period.start)),)


def _rated(
    due: Due, agreement: Agreement, segments: Sequence[tuple[Segment, Measured]], position: int, fees: Fees
) -> Rated:
    unit = currency(due.subscription.currency)
    try:
        usage = [(segment, ratings(segment, measured, agreement, unit)) for segment, measured in segments]
        lines = boundary_lines(agreement, due.boundary, usage, unit)
        adjusting = fees.adjusting(due, agreement, unit)
        check_invoice(lines, totals(lines), unit)  # the rest is checked with what the invoice can bear of it
    except PARKS as error:
        return Rated(due, position, (), refusal(due, error))
    return Rated(due, position, (*lines, *adjusting), None)


def refusal(due: Due, why: Exception | str) -> str:
    """Why the invoice of a boundary cannot be made, in words."""
    return f"The invoice of {due.day.isoformat()} cannot be made: {str(why) or type(why).__name__}"


def ratings(
    segment: Segment, measured: Measured, agreement: Agreement, unit: Currency
) -> tuple[GroupRating, ...]:
    """What a metered price charges for its part of a usage period, group by group; raises UnpricedUsage."""
    period = segment.part.period
    points = [point for point in measured.points if point.time in period]
    earlier = [*measured.earlier, *(point for point in measured.points if point.time < period.start)]
    return rate_metered(
        segment.price, measured.meter.aggregation, points, period, unit,
        earlier if measured.meter.aggregation is Aggregation.WEIGHTED_SUM else (), segment.part.share,
        over(segment.part, agreement),
    )


def over(part: Part, agreement: Agreement) -> Over | None:
    """Of which full period a part is, and its pauses; None where it is full and has none."""
    paused = tuple(outside(list(agreement.unpaused(part.period)), [part.period])) if agreement.pauses else ()
    return None if part.period == part.whole and not paused else Over(part.whole, paused)
