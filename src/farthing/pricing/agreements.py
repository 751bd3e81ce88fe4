"""What holds for a subscription on each of its days: its terms, as changes leave them, and its pauses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period, local_day
from farthing.pricing.prices import Billing, Flat, Price

NO_MARKS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a stretch of time.

    plan        tells one version of a plan from every other
    prices      in the plan's order
    quantities  by key, of prices without a meter
    marks       by key of a price: the terms as its lines keep them; none for those that the subscription began with
    commitment  what all lines of a plan period come to at least, in major units (rule 9)
    """

    plan: str
    prices: tuple[Price, ...]
    quantities: Mapping[str, Decimal]
    marks: Mapping[str, str] = field(default_factory=lambda: NO_MARKS)
    commitment: Decimal | None = None

    def price(self, key: str) -> Price | None:
        return next((price for price in self.prices if price.key == key), None)

    def quantity(self, price: Price) -> Decimal | None:
        """Of a price without a meter; None for a flat one, and where it is missing."""
        return None if isinstance(price.charge, Flat) else self.quantities.get(price.key)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Terms from when on, rising, the first from the beginning; and pauses, rising and apart (rules 13 to 15)."""

    terms: tuple[tuple[datetime, Terms], ...]
    zone: ZoneInfo
    pauses: tuple[tuple[datetime, datetime | None], ...] = ()

    @property
    def is_simple(self) -> bool:
        """Whether nothing ever changes."""
        return len(self.terms) == 1 and not self.pauses

    @property
    def first(self) -> Terms:
        return self.terms[0][1]

    @property
    def is_committed(self) -> bool:
        """Whether any plan that it has or had has a commitment."""
        return any(terms.commitment for _, terms in self.terms)

    def at(self, instant: datetime) -> Terms:
        """What holds at an instant."""
        return next((terms for since, terms in reversed(self.terms) if since <= instant), self.first)

    def marked(self, mark: str | None, key: str) -> Terms | None:
        """The terms that a line of a price keeps; None where they hold on no day any more."""
        if mark is None:
            return self.first
        return next((terms for _, terms in self.terms if terms.marks.get(key) == mark), None)

    def within(self, period: Period) -> Iterator[tuple[Period, Terms]]:
        """The stretches of a period between changes, in order, pauses and all."""
        starts = [max(since, period.start) for since, _ in self.terms[1:]]
        for (start, end), (_, terms) in zip(pairwise([period.start, *starts, period.end]), self.terms, strict=True):
            if start < min(end, period.end):
                yield Period(start, min(end, period.end)), terms

    def unpaused(self, period: Period) -> Iterator[Period]:
        """What pauses leave of a period."""
        start = period.start
        for begin, end in self.pauses:
            if begin >= period.end:
                break
            if start < begin:
                yield Period(start, begin)
            start = period.end if end is None else max(start, end)
        if start < period.end:
            yield Period(start, period.end)

    def days(self, period: Period) -> int:
        """The local days of a period that no pause takes."""
        return sum(days_of(one, self.zone) for one in self.unpaused(period)) if self.pauses else days_of(
            period, self.zone
        )


def days_of(period: Period, zone: ZoneInfo) -> int:
    """The local days between two local midnights."""
    return (local_day(period.end, zone) - local_day(period.start, zone)).days


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days for which one price charges the same: of a fee without `prorate`, all that it has in the plan period.

    quantity  None for a flat price, or where it is missing
    days, of  how many of the days of the full period are charged; equal for the whole fee
    mark      see `Terms`
    """

    price: Price
    quantity: Decimal | None
    period: Period
    days: int
    of: int
    mark: str | None = None

    @property
    def charges(self) -> tuple[object, ...]:
        """Equal for stretches that charge alike for a day: of periods as long as each other."""
        return self.price, self.quantity, self.of if self.price.prorate else None


def fee_stretches(agreement: Agreement, part: Part, billing: Billing) -> list[Stretch]:
    """What fees charge for a plan period, in the plan's order of prices and by stretch of days (rules 13 to 15)."""
    if agreement.is_simple:
        return [
            _stretch(price, agreement.first, part.period, part.days if price.prorate else part.of, part.of)
            for price in agreement.first.prices if price.meter is None and price.billing is billing
        ]
    found: dict[str, list[Stretch]] = {}
    for period, terms in agreement.within(part.period):
        for price in terms.prices:
            if price.meter is None and price.billing is billing:
                stretches = found.setdefault(price.key, [])
                if stretches and not stretches[-1].price.prorate:
                    continue  # charged whole for this plan period, whatever it changed to (rule 13)
                if price.prorate:
                    _add_days(stretches, price, terms, agreement, period, part.of)
                elif agreement.days(period):
                    start = period.start if stretches else part.period.start
                    stretches.append(_stretch(price, terms, Period(start, part.period.end), part.of, part.of))
    return [one for stretches in found.values() for one in stretches]


def _add_days(
    stretches: list[Stretch], price: Price, terms: Terms, agreement: Agreement, period: Period, of: int
) -> None:
    for piece in agreement.unpaused(period):
        days = days_of(piece, agreement.zone)
        new = _stretch(price, terms, piece, days, of)
        last = stretches[-1] if stretches else None
        if last is not None and last.charges == new.charges and last.period.end == piece.start:
            whole = Period(last.period.start, piece.end)
            stretches[-1] = Stretch(price, last.quantity, whole, last.days + days, of, last.mark)
        elif days:
            stretches.append(new)


def _stretch(price: Price, terms: Terms, period: Period, days: int, of: int) -> Stretch:
    return Stretch(price, terms.quantity(price), period, days, of, terms.marks.get(price.key))


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a usage period that one price rates by itself; a pause inside it is not billed (rules 14 and 15)."""

    price: Price
    part: Part
    mark: str | None = None


def usage_segments(agreement: Agreement, part: Part) -> list[Segment]:
    """The parts that metered prices rate of a usage period, by the plan's order of prices and then by time.

    A change of plan splits all of them, one of overrides those that it changed, and one of quantities none (rule 14).
    """
    if agreement.is_simple:
        return [Segment(price, part) for price in agreement.first.prices if price.meter is not None]
    found: dict[str, list[tuple[Period, str, Price, str | None]]] = {}
    for period, terms in agreement.within(part.period):
        for price in terms.prices:
            if price.meter is not None:
                known = found.setdefault(price.key, [])
                last = known[-1] if known else None
                if last is not None and last[0].end == period.start and last[1:3] == (terms.plan, price):
                    known[-1] = (Period(last[0].start, period.end), *last[1:])
                else:
                    known.append((period, terms.plan, price, terms.marks.get(price.key)))
    return [
        Segment(price, Part(period, agreement.days(period), part.of, part.whole), mark)
        for several in found.values() for period, _, price, mark in several
    ]


def outside(pauses: Sequence[Period], periods: Iterable[Period]) -> Iterator[Period]:
    """What other periods leave of these, in order."""
    for one in periods:
        start = one.start
        for taken in sorted(pauses, key=lambda each: each.start):
            if taken.end <= start or taken.start >= one.end:
                continue
            if start < taken.start:
                yield Period(start, taken.start)
            start = max(start, taken.end)
        if start < one.end:
            yield Period(start, one.end)
