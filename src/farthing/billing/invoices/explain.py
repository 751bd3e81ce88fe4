"""Where a line's amount comes from: what was counted, hour by hour, how it was priced, and how it was rounded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2b
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from farthing.billing.coupons.store import AttachedCouponStore
from farthing.billing.invoices.committed import commitment_rating
from farthing.billing.invoices.counting import over
from farthing.billing.invoices.measuring import Measured, wanted_of
from farthing.billing.invoices.rating import Rater, ratings
from farthing.billing.invoices.reasons import DiscountReason, TaxReason, discount_reasons, tax_reasons
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice, InvoiceLine, LineNotFound, found
from farthing.billing.subscriptions.agreed import agreement_of, priced_by, version_marked, versions_of
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog, Coupon, Meter
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.pagination import Listing, Page
from farthing.pricing.aggregation import Aggregation, Point, aggregate, sum_of
from farthing.pricing.agreements import Agreement, Segment
from farthing.pricing.arithmetic import ZERO, Exact, exactly, minus
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period, windows
from farthing.pricing.charges import Step
from farthing.pricing.commitments import COMMITMENT
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.discounts import GRANTED
from farthing.pricing.invoicing import fee_rating, one_off_rating
from farthing.pricing.prices import Price
from farthing.pricing.rating import Group, Rating, counted_for


@dataclass(frozen=True, slots=True)
class Hour:
    """What was counted in one hour."""

    period: Period
    value: Exact
    events: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line with all that made its amount; usage lines have a meter, its hours and a page of events.

    carried  the level from before the period, for a meter that has one
    ignored  events of the period that came late, where the meter ignores that (rule 18)
    """

    invoice: Invoice
    line: InvoiceLine
    rating: Rating
    meter: Meter | None = None
    carried: Decimal | None = None
    events: int = 0
    hours: Sequence[Hour] = ()
    counted: Page[Point] | None = None
    ignored: Sequence[Point] = ()
    discounts: Sequence[DiscountReason] = ()
    taxes: Sequence[TaxReason] = ()


@dataclass(frozen=True, slots=True)
class Explainer:
    """Rates a line again from the events it was made of (I8); stores nothing."""

    database: Database
    catalog: Catalog
    rater: Rater

    def explain(self, caller: Caller, reference: str, line_id: str, listing: Listing) -> Explanation:
        """Raises InvoiceNotFound, LineNotFound."""
        with self.database.read() as connection:
            invoice = found(InvoiceStore(connection).find(caller.organization, reference), reference)
            line = next((one for one in invoice.lines if one.id == line_id), None)
            if line is None:
                raise LineNotFound(f"Invoice {invoice.id} has no line {line_id[:80]}.")
            discounts = discount_reasons(invoice, line, self._given(connection, invoice))
            owner = None
            if invoice.subscription is not None:
                found_owners = SubscriptionStore(connection).many(caller.organization, [invoice.subscription])
                owner = found_owners[invoice.subscription]
        if owner is None or line.charge is not None:
            explained = _one_off(invoice, line)
        else:
            explained = self._rated(invoice, line, owner, listing)
        return replace(explained, discounts=discounts, taxes=tax_reasons(invoice, line))

    def _given(self, connection: Connection, invoice: Invoice) -> list[tuple[str, Coupon]]:
        """The coupons that an invoice shows, in the order in which they were applied (rule 19)."""
        ids = {discount.coupon for line in invoice.lines for discount in line.discounts} - {GRANTED}
        if not ids:
            return []
        attached = AttachedCouponStore(connection).many(invoice.organization, ids)
        coupons = self.catalog.coupons(invoice.organization, {one.coupon for one in attached})
        ordered = sorted(attached, key=lambda one: (one.subscription is None, one.id))
        return [(one.id, coupons[one.coupon]) for one in ordered]

    def _rated(self, invoice: Invoice, line: InvoiceLine, owner: Subscription, listing: Listing) -> Explanation:
        unit = currency(invoice.currency)
        if line.reason == "proration":
            return Explanation(invoice, line, _given_back(line, unit))
        if line.reason == COMMITMENT:
            plans = self.catalog.plans(owner.organization, versions_of([owner]))
            rates = self.catalog.tax_rates(owner.organization, hold=False)
            with self.database.read() as connection:
                rating = commitment_rating(connection, rates, invoice, line, owner, agreement_of(owner, plans))
            return Explanation(invoice, line, rating)
        plans = self.catalog.plans(owner.organization, {version_marked(line.terms, owner)})
        by = priced_by(line.terms, line.price or "", owner, plans)
        days, of = line.prorated or (1, 1)
        if by.price.meter is None or line.period is None:
            quantities = {} if by.quantity is None else {by.price.key: by.quantity}
            return Explanation(invoice, line, fee_rating(by.price, quantities, unit, days, of))
        meter = self.catalog.meter(owner.organization, by.price.meter)
        measured = self.rater.measured(owner.organization, owner, meter, line.period, invoice.position or 0)
        part = Part(line.period, days, of, owner.life.usage_part(line.period.start).whole)
        agreement = Agreement((), ZoneInfo(owner.timezone), tuple((one.start, one.end) for one in owner.pauses))
        rated = ratings(Segment(by.price, part), measured, agreement, unit)
        nothing = Rating(ZERO, ZERO, ZERO, ())
        rating = next((one.rating for one in rated if one.group == line.group), nothing)
        if line.reason == "late_usage":
            rating = _less_charged(line, rating)
        inside = over(part, agreement)
        points = [
            point for point in counted_for(by.price, line.group, measured.points)
            if inside is None or not inside.is_paused(point.time)
        ]
        late = self._ignored(owner, meter, line.period, invoice.position or 0, measured)
        carried = _carried(by.price, line.group, measured)
        hours = () if carried is not None else _hours(meter, points, line.period, ZoneInfo(owner.timezone))
        return Explanation(
            invoice, line, rating, meter, carried, len(points), hours, _page(points, listing),
            ignored=sorted(counted_for(by.price, line.group, late), key=_place),
        )

    def _ignored(
        self, owner: Subscription, meter: Meter, period: Period, upto: int, counted: Measured
    ) -> list[Point]:
        """What a meter that ignores late usage left out of a period."""
        if not meter.ignores_late:
            return []
        names = {(point.source, point.id) for point in counted.points}
        everything = self.rater.metering.points_of(owner.organization, [wanted_of(owner, meter, period)], upto)
        return [point for point in next(iter(everything)) if (point.source, point.id) not in names]


def _given_back(line: InvoiceLine, unit: Currency) -> Rating:
    """A credit: the share of the corrected line that its unused days are (rule 14)."""
    entered = line.amount if line.entered is None else line.entered
    days, of = line.prorated or (1, 1)
    note = f"{days} of {of} days of what line {line.corrects[1] if line.corrects else ''} came to after discount"
    return Rating(entered, entered, Decimal(line.quantity), (Step(Decimal(line.quantity), entered, note),))


def _less_charged(line: InvoiceLine, rating: Rating) -> Rating:
    """All events known by then, less what the period's lines charged for them before (rule 18)."""
    entered = line.amount if line.entered is None else line.entered
    with exactly():
        before = minus(entered, rating.exact)
    note = "what was charged before" if entered > ZERO else "what was charged before, less the discount it had"
    return Rating(entered, entered, rating.quantity, (*rating.steps, Step(ZERO, before, note)))


def _one_off(invoice: Invoice, line: InvoiceLine) -> Explanation:
    unit_amount = line.unit_amount or ZERO
    return Explanation(invoice, line, one_off_rating(Decimal(line.quantity), unit_amount, currency(invoice.currency)))


def _page(points: Sequence[Point], listing: Listing) -> Page[Point]:
    """The events in order of time, from after the one that the cursor names."""
    ordered = sorted(points, key=_place)
    return listing.page([one for one in ordered if _place(one) > listing.position][: listing.limit + 1], _place)


def _place(point: Point) -> str:
    """Where an event stands among the others, as a text that sorts alike and is short, however long its id is."""
    name = blake2b(f"{point.id}\0{point.source}".encode(), digest_size=16).hexdigest()
    return f"{point.time.isoformat(timespec='microseconds')} {name}"


def _carried(price: Price, group: Group, measured: Measured) -> Decimal | None:
    """The level that a period began with; None where nothing is carried in (rule 17)."""
    if measured.meter.aggregation is not Aggregation.WEIGHTED_SUM:
        return None
    return sum_of(counted_for(price, group, measured.earlier))


def _hours(meter: Meter, points: Sequence[Point], period: Period, zone: ZoneInfo) -> list[Hour]:
    """The hours of the period in which something was counted, each as the meter would value it alone.

    A level has none of its own: what made it are the changes, which the events list.
    """
    hours: list[Hour] = []
    ordered = sorted(points, key=lambda point: point.time)
    place = 0
    with exactly():
        for window in windows(period, "hour", zone):
            begin = place
            while place < len(ordered) and ordered[place].time < window.end:
                place += 1
            if place > begin:
                inside = ordered[begin:place]
                hours.append(Hour(window, aggregate(meter.aggregation, inside, window), len(inside)))
    return hours

