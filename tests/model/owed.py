"""What a subscription owes for its days and its usage, when everything has been billed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from tests.model.amounts import Price, cost, held, rounded
from tests.model.days import DAY, Days, local_day
from tests.model.life import Life, Terms


@dataclass(frozen=True)
class Event:
    at: datetime
    quantity: Fraction


def whole_fee(price: Price, terms: Terms) -> Fraction:
    return cost(price, Fraction(str(terms.quantities.get(price["key"], 1))))


def fixed(terms: Terms) -> dict[str, Price]:
    return {key: price for key, price in terms.prices.items() if "meter" not in price}


def fees_by_day(life: Life, until: date) -> dict[tuple[str, date], Fraction]:
    """What each prorated price costs on each day before `until` (rule 13); in arrears: of plan periods over by then."""
    owed: dict[tuple[str, date], Fraction] = {}
    for day in life.days:
        segment = life.segment(day)
        period = segment.plan_period(day)
        if day >= until or life.paused(day):
            continue
        for key, price in fixed(life.terms[day]).items():
            over = price["billing"] == "in_advance" or segment.lived(period).end <= until
            if price.get("prorate", True) and over:
                owed[key, day] = whole_fee(price, life.terms[day]) / len(period)
    return owed


def whole_fees(life: Life, until: date) -> dict[tuple[str, date], Fraction]:
    """What prices without `prorate` cost: whole for each period in which they have a day, by its start (rule 13)."""
    owed: dict[tuple[str, date], Fraction] = {}
    for day in life.days:
        segment = life.segment(day)
        period = segment.lived(segment.plan_period(day))
        if period.end > until or life.paused(day):
            continue
        for key, price in fixed(life.terms[day]).items():
            if not price.get("prorate", True):
                owed.setdefault((key, period.start), rounded(whole_fee(price, life.terms[day])))
    return owed


def usage_by_stretch(life: Life, until: date, events: Sequence[Event]) -> dict[tuple[str, Days], Fraction]:
    """What each metered price charges for each stretch of a usage period under one plan (rules 9, 14 and 15)."""
    quantities: Mapping[date, Fraction] = by_day(life, events)
    owed = {}
    for key, days, price, whole in stretches(life, until):
        billed = [day for day in days.each() if not life.paused(day)]
        quantity = sum((quantities[day] for day in billed), Fraction(0))
        owed[key, days] = rounded(held(price, cost(price, quantity), Fraction(len(billed), len(whole))))
    return owed


def by_day(life: Life, events: Sequence[Event]) -> dict[date, Fraction]:
    found: dict[date, Fraction] = defaultdict(Fraction)
    for event in events:
        found[local_day(event.at, life.zone)] += event.quantity
    return found


def stretches(life: Life, until: date) -> list[tuple[str, Days, Price, Days]]:
    """Usage periods that are over by `until`, cut where the plan or the price changes: key, days, price, period."""
    found: dict[tuple[str, date], tuple[Days, Price, Days]] = {}
    open_at: dict[str, date] = {}
    for day in life.days:
        segment = life.segment(day)
        whole = segment.usage_period(day)
        lived = segment.lived(whole)
        if lived.end > until:
            break
        for key, price in life.terms[day].prices.items():
            if "meter" not in price:
                continue
            start = open_at.get(key)
            before = found.get((key, start)) if start is not None else None
            goes_on = (
                before is not None and before[0].end == day and before[2] == whole and day > lived.start
                and before[1] == price and life.terms[before[0].start].plan is life.terms[day].plan
            )
            if start is None or not goes_on:
                open_at[key] = start = day
            found[key, start] = Days(start, day + DAY), price, whole
    return [(key, days, price, whole) for (key, _), (days, price, whole) in found.items()]
