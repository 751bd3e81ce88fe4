"""What coupons, granted credit and taxes make of the lines of an invoice, in whole cents (rules 3, 14, 19 and 27)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any


@dataclass(frozen=True)
class Rate:
    key: str
    percent: Fraction
    inclusive: bool = False
    tax_code: str | None = None


@dataclass(frozen=True)
class Entry:
    """A line as entered; `carried` is the share of discount of the line whose days it charges anew."""

    price: str | None
    amount: int
    rates: tuple[Rate, ...] = ()
    carried: Fraction | None = None


@dataclass(frozen=True)
class Lines:
    """By line what discounts leave of it as entered, its net, discount and tax; by rate the tax, and on how much."""

    left: list[int]
    net: list[int]
    discount: list[int]
    tax: list[int]
    taxes: dict[str, tuple[int, int]]


def cents(amount: str) -> int:
    return int(Fraction(amount) * 100)


def whole(exact: Fraction) -> int:
    """Half away from zero."""
    size = floor(abs(exact) + Fraction(1, 2))
    return size if exact >= 0 else -size


def shared(amount: int, parts: Sequence[Fraction]) -> list[int]:
    """By largest remainder, the earlier line first where they are equal (rule 3)."""
    both = any(part < 0 for part in parts) and any(part > 0 for part in parts)
    sign, total = -1 if amount < 0 and not both else 1, sum(parts, Fraction(0))
    if not both and not total:
        return [0 for _ in parts]
    exact = list(parts) if both else [Fraction(abs(amount)) * part / total for part in parts]
    given = [floor(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda place: (given[place] - exact[place], place))
    for place in order[: sign * amount - sum(given)]:
        given[place] += 1
    return [sign * part for part in given]


def reduced(entries: Sequence[Entry], coupons: Sequence[Mapping[str, Any]], granted: int = 0) -> list[int]:
    """What coupons, what a line carries, and granted credit leave of each line (rules 14, 19 and 28)."""
    left = [one.amount for one in entries]
    for coupon in coupons:
        only = coupon.get("applies_to") or []
        base = [
            amount if amount > 0 and one.carried is None and (not only or one.price in only) else 0
            for one, amount in zip(entries, left, strict=True)
        ]
        if "percent" in coupon:
            taken = whole(Fraction(sum(base)) * Fraction(coupon["percent"]) / 100)
        else:
            taken = min(cents(coupon["amount"]), sum(base))
        left = [a - b for a, b in zip(left, shared(taken, [Fraction(one) for one in base]), strict=True)]
    left = [
        amount - whole(one.amount * one.carried) if one.carried is not None else amount
        for one, amount in zip(entries, left, strict=True)
    ]
    base = [max(amount, 0) for amount in left]
    parts = shared(min(granted, sum(base)), [Fraction(one) for one in base])
    return [a - b for a, b in zip(left, parts, strict=True)]


def taxed(entries: Sequence[Entry], left: Sequence[int]) -> Lines:
    """Tax per rate over the invoice, and then over its lines; out of the price where that includes it (rule 19)."""
    net, after, tax = [one.amount for one in entries], list(left), [0 for _ in entries]
    taxes: dict[str, tuple[int, int]] = {}
    for rates in dict.fromkeys(one.rates for one in entries if one.rates and one.rates[0].inclusive):
        places = [place for place, one in enumerate(entries) if one.rates == rates]
        factor = 1 + sum((rate.percent for rate in rates), Fraction(0)) / 100
        for amounts in (net, after):
            parts = [amounts[place] / factor for place in places]
            for place, part in zip(places, shared(whole(sum(parts, Fraction(0))), parts), strict=True):
                amounts[place] = part
        for place in places:
            tax[place] = left[place] - after[place]
        tax_of = shared(sum(tax[place] for place in places), [rate.percent for rate in rates])
        for rate, amount in zip(rates, tax_of, strict=True):
            taxes[rate.key] = sum(after[place] for place in places), amount
    for rate in dict.fromkeys(rate for one in entries for rate in one.rates if not rate.inclusive):
        places = [place for place, one in enumerate(entries) if rate in one.rates]
        exact = [after[place] * rate.percent / 100 for place in places]
        amount = whole(sum(exact, Fraction(0)))
        for place, part in zip(places, shared(amount, exact), strict=True):
            tax[place] += part
        taxes[rate.key] = sum(after[place] for place in places), amount
    return Lines(list(left), net, [a - b for a, b in zip(net, after, strict=True)], tax, taxes)
