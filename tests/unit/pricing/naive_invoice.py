"""An invoice's discounts and taxes worked out from the rules alone, in whole minor units and fractions.

Written from the page of rules without looking at the product and sharing no code with it: slow, plain, and only to be
played against it. Lines are triples of price key, tax code and amount; a rate is (percent, inclusive, country, region,
code); a coupon is (percent or None, amount or None, keys of prices or nothing for all).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple


class NaiveLine(NamedTuple):
    price: str | None
    code: str | None
    amount: int


class NaiveRate(NamedTuple):
    percent: Fraction
    inclusive: bool
    country: str | None
    region: str | None
    code: str | None


class NaiveCoupon(NamedTuple):
    percent: Fraction | None
    amount: int | None
    prices: frozenset[str]


class NoCountry(Exception):
    pass


class Mixed(Exception):
    pass


@dataclass
class NaiveInvoice:
    net: list[int] = field(default_factory=list)
    discount: list[int] = field(default_factory=list)
    tax: list[int] = field(default_factory=list)
    by_rate: dict[int, tuple[int, int]] = field(default_factory=dict)  # taxable and tax, by the rate's place
    untaxed: dict[str, int] = field(default_factory=dict)  # by category


def half_away(value: Fraction) -> int:
    """2.5 is 3 and -2.5 is -3 (rule 2)."""
    sign = -1 if value < 0 else 1
    doubled = abs(value) * 2 + 1
    return sign * (doubled.numerator // (2 * doubled.denominator))


def dealt(whole: int, weights: Sequence[Fraction]) -> list[int]:
    """Each its share rounded down, and the rest one by one to whoever is owed most, the earlier first (rule 3)."""
    heap = sum(weights)
    if heap == 0:
        return [0] * len(weights)
    exact = [whole * weight / heap for weight in weights]
    parts = [share.numerator // share.denominator for share in exact]
    while sum(parts) < whole:
        owed = [share - part for share, part in zip(exact, parts, strict=True)]
        parts[owed.index(max(owed))] += 1
    return parts


def rates_of(line: NaiveLine, rates: Sequence[NaiveRate], country: str | None, region: str | None) -> list[int]:
    """The places of the rates that a line takes (rule 27)."""

    def matches(rate: NaiveRate) -> bool:
        if rate.country is None:
            return True
        return rate.country == country and rate.region in (None, region)

    def specific(place: int) -> int:
        return (rates[place].country is not None) + (rates[place].region is not None)

    wanted: list[Callable[[NaiveRate], bool]] = [lambda rate: rate.code is None]
    if line.code is not None:
        wanted.insert(0, lambda rate: rate.code == line.code)
    for wants in wanted:
        found = [place for place, rate in enumerate(rates) if wants(rate) and matches(rate)]
        if found:
            best = max(map(specific, found))
            return [place for place in found if specific(place) == best]
    if country is None and any(wants(rate) for wants in wanted for rate in rates):
        raise NoCountry
    return []


def invoice(
    lines: Sequence[NaiveLine], coupons: Sequence[NaiveCoupon], rates: Sequence[NaiveRate], country: str | None,
    region: str | None, relief: str | None, granted: int = 0,
) -> NaiveInvoice:
    """Rules 3, 19, 27 and 28; relief is the category of a customer that pays no tax."""
    taken_by = [[] if relief and not any(r.inclusive for r in rates) else rates_of(line, rates, country, region)
                for line in lines]
    for places in taken_by:
        if {rates[place].inclusive for place in places} == {True, False}:
            raise Mixed
    gross = [line.amount for line in lines]
    if relief:
        for at, places in enumerate(taken_by):
            inside = sum((rates[place].percent for place in places if rates[place].inclusive), Fraction(0))
            gross[at] = half_away(gross[at] / (1 + inside / 100))
        taken_by = [[] for _ in lines]
    left = list(gross)
    for coupon in coupons:
        eligible = [
            Fraction(left[at] if not coupon.prices or line.price in coupon.prices else 0)
            for at, line in enumerate(lines)
        ]
        base = sum(eligible)
        cut = min(coupon.amount or 0, int(base))
        if coupon.percent is not None:
            cut = half_away(base * coupon.percent / 100)
        for at, part in enumerate(dealt(cut, eligible)):
            left[at] -= part
    for at, part in enumerate(dealt(min(granted, sum(left)), [Fraction(each) for each in left])):
        left[at] -= part
    found = NaiveInvoice(list(gross), [0] * len(lines), [0] * len(lines))
    for at in range(len(lines)):
        found.discount[at] = gross[at] - left[at]
    for places in [each for at, each in enumerate(taken_by) if each not in taken_by[:at]]:
        mine = [at for at, each in enumerate(taken_by) if each == places]
        if not places:
            category = relief or ("O" if country is not None else "")
            if category:
                found.untaxed[category] = sum(left[at] for at in mine)
        elif rates[places[0]].inclusive:
            _inside(found, mine, places, rates, gross, left)
        else:
            taxable = sum(left[at] for at in mine)
            for place in places:
                tax = half_away(taxable * rates[place].percent / 100)
                for at, part in zip(mine, dealt(tax, [Fraction(left[at]) for at in mine]), strict=True):
                    found.tax[at] += part
                found.by_rate[place] = taxable, tax
    return found


def _inside(
    found: NaiveInvoice, mine: Sequence[int], places: Sequence[int], rates: Sequence[NaiveRate], gross: Sequence[int],
    left: Sequence[int],
) -> None:
    factor = 1 + sum((rates[place].percent for place in places), Fraction(0)) / 100
    nets = []
    for amounts in (gross, left):
        whole = half_away(sum(amounts[at] for at in mine) / factor)
        nets.append(dealt(whole, [Fraction(amounts[at]) for at in mine]))
    for at, before, after in zip(mine, *nets, strict=True):
        found.net[at], found.discount[at], found.tax[at] = before, before - after, left[at] - after
    tax = sum(left[at] for at in mine) - sum(nets[1])
    for place, part in zip(places, dealt(tax, [rates[place].percent for place in places]), strict=True):
        found.by_rate[place] = sum(nets[1]), part
