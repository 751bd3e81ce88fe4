"""What a subscription owes at a boundary: its usage read, and priced by the pure core."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from farthing.billing.invoices.billed import NO_FEES, Due, Fees, billed_fees
from farthing.billing.invoices.committed import Priced, true_ups, true_ups_alone
from farthing.billing.invoices.counting import Counting, looking, metered, meters_of, over
from farthing.billing.invoices.late import BilledPeriods, ClosedUsage, billed_usage, closed_usage
from farthing.billing.invoices.measuring import BEGINNING, Measured, in_time, measured, wanted_of
from farthing.billing.subscriptions.agreed import Plans, agreement_of, versions_of
from farthing.billing.subscriptions.closing import takes_late
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog, Meter
from farthing.kernel.database import Database
from farthing.pricing.aggregation import Aggregation, OutsidePeriod
from farthing.pricing.agreements import Agreement, Segment, usage_segments
from farthing.pricing.calendar import Period
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Line, QuantityMissing, boundary_lines
from farthing.pricing.late_usage import late_lines
from farthing.pricing.rating import GroupRating, rate_metered, rate_tallied
from farthing.pricing.totalling import totals
from farthing.usage import Arrived, Metering

PARKS: Final = (UnpricedUsage, QuantityMissing, UnsoundInvoice, OutsidePeriod, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Rated:
    """The lines of a boundary from the events up to `position`, or why they cannot be told, in words.

    late  what came late for closed periods is among them (rule 18)
    """

    due: Due
    position: int
    lines: Sequence[Line]
    refused: str | None
    late: bool = False

    @property
    def corrects(self) -> bool:
        """Whether it depends on what other invoices of its subscription had billed when it was rated."""
        return self.late or any(line.corrects is not None for line in self.lines)

    @property
    def late_through(self) -> int | None:
        """Up to where it accounts for what came late; None where it has nothing of that."""
        return self.position if self.late else None

    @property
    def currency(self) -> Currency:
        return currency(self.due.subscription.currency)


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
        adjusted = [one for one in due if one.subscription.adjusted_from is not None]
        fees = Fees()
        if adjusted:
            with self.database.read() as connection:
                rates = self.catalog.tax_rates(organization, hold=False)
                fees = billed_fees(connection, [one.subscription for one in adjusted], self.catalog, rates)
        rated = self.rate_by(organization, due, agreed, position, fees)
        taking = [takes_late(one.subscription, one.boundary) for one in due]
        asking = [(one, each) for one, each, takes in zip(due, agreed, taking, strict=True) if takes]
        late = iter(self._late(organization, asking, position))
        rated = [_with_late(one, next(late)) if takes else one for one, takes in zip(rated, taking, strict=True)]
        return self.committed(organization, rated, agreed)

    def committed(
        self, organization: str, rated: Sequence[Rated], agreed: Sequence[Agreement], alone: bool = False
    ) -> list[Rated]:
        """The same boundaries with what minimum commitments add to them, after all other lines but one-off ones.

        alone  by nothing but these lines, which are those of whole plan periods
        """
        wanted = [place for place, one in enumerate(rated) if one.refused is None and agreed[place].is_committed]
        if not wanted:
            return list(rated)
        priced = [Priced(rated[place].due, rated[place].lines, agreed[place]) for place in wanted]
        if alone:
            lines = true_ups_alone(priced)
        else:
            rates = self.catalog.tax_rates(organization, hold=False)
            with self.database.read() as connection:
                lines = true_ups(connection, organization, rates, priced)
        added = dict(zip(wanted, lines, strict=True))
        return [replace(one, lines=(*one.lines, *added.get(place, ()))) for place, one in enumerate(rated)]

    def _late(
        self, organization: str, asking: Sequence[tuple[Due, Agreement]], position: int
    ) -> list[Sequence[Line] | str]:
        """What came late makes of the closed usage periods of each of these, or why nobody can tell (rule 18)."""
        begun = [due.subscription for due, _ in asking if due.subscription.billed_through is not None]
        asked = [Arrived(one.customer, one.id, one.own_usage, one.late_through) for one in begun]
        late = zip(begun, self.metering.late_arrivals(organization, asked), strict=True)
        arrivals = {one.id: came for one, came in late if came}
        if not arrivals:
            return [() for _ in asking]
        meters = self._meters(organization)
        touched = [
            [*closed_usage(due.subscription, agreement, arrivals.get(due.subscription.id, ()), meters)]
            for due, agreement in asking
        ]
        return self.corrections(organization, asking, touched, position) if any(touched) else [() for _ in asking]

    def _meters(self, organization: str) -> Mapping[str, Meter]:
        return {meter.key: meter for meter in self.catalog.meters(organization)}

    def corrections(
        self, organization: str, asking: Sequence[tuple[Due, Agreement]], touched: Sequence[Sequence[ClosedUsage]],
        position: int,
    ) -> list[Sequence[Line] | str]:
        """What makes what was billed of some closed periods what their events up to `position` come to, for each."""
        meters, owners = self._meters(organization), [due.subscription for due, _ in asking]
        wanted = [
            Counting(wanted_of(due.subscription, meters[key], each.period), looking(each.segments, key), agreement)
            for (due, agreement), periods in zip(asking, touched, strict=True)
            for each in periods for key in meters_of(each.segments)
        ]
        measured = iter(self._measured(organization, owners, wanted, position))
        since = {
            one.id: periods[0].period.start for one, periods in zip(owners, touched, strict=True) if periods
        }
        with self.database.read() as connection:
            rates = self.catalog.tax_rates(organization, hold=False)
            billed = billed_usage(connection, organization, since, rates)
        found: list[Sequence[Line] | str] = []
        for (due, agreement), periods in zip(asking, touched, strict=True):
            counted = [{key: next(measured) for key in meters_of(each.segments)} for each in periods]
            of = billed.get(due.subscription.id, BilledPeriods())
            try:
                found.append(_corrections(due, agreement, list(zip(periods, counted, strict=True)), of))
            except PARKS as error:
                found.append(str(error) or type(error).__name__)
        return found

    def plans_of(self, organization: str, due: Sequence[Due]) -> Plans:
        """All versions of plans that these subscriptions have or had."""
        return self.catalog.plans(organization, versions_of([one.subscription for one in due]))

    def rate_by(
        self, organization: str, due: Sequence[Due], agreed: Sequence[Agreement], position: int, fees: Fees = NO_FEES
    ) -> list[Rated]:
        """The lines of these boundaries by terms that are given, for each."""
        meters = self._meters(organization)
        segments = [
            usage_segments(a, d.boundary.used) if d.boundary.used else [] for d, a in zip(due, agreed, strict=True)
        ]
        asked = [metered(d, a, each, meters) for d, a, each in zip(due, agreed, segments, strict=True)]
        owners = [one.subscription for one in due]
        measured = iter(self._measured(organization, owners, [one for each in asked for one in each], position))
        return [
            _rated(d, a, [(one, counted[one.price.meter or ""]) for one in each], position, fees)
            for d, a, each, wanted in zip(due, agreed, segments, asked, strict=True)
            for counted in [{one.meter.key: one for one in islice(measured, len(wanted))}]
        ]

    def measured(
        self, organization: str, subscription: Subscription, meter: Meter, period: Period, upto: int
    ) -> Measured:
        """What one meter counted for a subscription in a period, event by event."""
        wanted = wanted_of(subscription, meter, period)
        asked = in_time(self.database, organization, [subscription], [wanted])
        [found] = measured(self.metering, organization, asked, [False], upto)
        return found

    def _measured(
        self, organization: str, owners: Iterable[Subscription], counting: Sequence[Counting], upto: int
    ) -> list[Measured]:
        """What was counted, in the order asked for; what is asked for more than once is counted once."""
        names = [(one.wanted.meter.id, one.wanted.subscription, one.wanted.period) for one in counting]
        once = {name: one.wanted for name, one in zip(names, counting, strict=True)}
        each = {name for name, one in zip(names, counting, strict=True) if not one.together}
        asked = in_time(self.database, organization, owners, list(once.values()))
        found = measured(self.metering, organization, asked, [name not in each for name in once], upto)
        by_name = dict(zip(once, found, strict=True))
        return [by_name[name] for name in names]


def _corrections(
    due: Due, agreement: Agreement, periods: Sequence[tuple[ClosedUsage, Mapping[str, Measured]]], billed: BilledPeriods
) -> tuple[Line, ...]:
    """In order of time, then of the plan's prices (rule 19); raises UnpricedUsage."""
    unit = currency(due.subscription.currency)
    lines = [
        line for each, counted in periods for segment in each.segments
        for line in late_lines(
            segment, ratings(segment, counted[segment.price.meter or ""], agreement, unit), billed.usage,
            billed.corrected_at(each.boundary, segment.price.key), unit,
        )
    ]
    return tuple(sorted(lines, key=lambda line: line.period.start if line.period else BEGINNING))


def _with_late(rated: Rated, late: Sequence[Line] | str) -> Rated:
    """A boundary with what came late for closed periods, or why it cannot be made."""
    if rated.refused is not None:
        return rated
    if isinstance(late, str):
        return replace(rated, lines=(), refused=refusal(rated.due, late))
    return replace(rated, lines=(*rated.lines, *late), late=True)


def _rated(
    due: Due, agreement: Agreement, segments: Sequence[tuple[Segment, Measured]], position: int, fees: Fees
) -> Rated:
    unit = currency(due.subscription.currency)
    try:
        usage = [(segment, ratings(segment, measured, agreement, unit)) for segment, measured in segments]
        lines = boundary_lines(agreement, due.boundary, usage, unit, fees.still(due, agreement.zone))
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
    if measured.tallied is not None:
        return rate_tallied(
            segment.price, measured.meter.aggregation, measured.tallied, unit, segment.part.share
        )
    period = segment.part.period
    points = [point for point in measured.points if point.time in period]
    earlier = [*measured.earlier, *(point for point in measured.points if point.time < period.start)]
    return rate_metered(
        segment.price, measured.meter.aggregation, points, period, unit,
        earlier if measured.meter.aggregation is Aggregation.WEIGHTED_SUM else (), segment.part.share,
        over(segment.part, agreement),
    )
