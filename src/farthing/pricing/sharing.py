"""Sharing an amount out over lines: the one function that does."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor

from farthing.pricing.arithmetic import Exact, from_minor, to_minor
from farthing.pricing.currencies import Currency


class Unshareable(ValueError):
    """An amount that is not what the exact parts of its lines come to."""


def shared(whole: Decimal, parts: Sequence[Exact], currency: Currency) -> tuple[Decimal, ...]:
    """`whole` over lines by largest remainder, equal remainders going to the earlier line (rule 3).

    whole    in major units, rounded
    parts    what each line has of it exactly. Where all are of one sign only their proportion counts; over lines of
             both signs each has its own part, rounded down, and they must come to `whole` but for its rounding
    returns  a part for each line, rounded, less than one minor unit from its exact share; they sum to `whole`
    raises   Unshareable
    """
    units, exact = to_minor(whole, currency), [Fraction(part) for part in parts]
    if any(part < 0 for part in exact) and any(part > 0 for part in exact):
        given = _by_remainder(units, [part * 10**currency.decimals for part in exact])
    else:
        given = _in_proportion(units, exact)
    return tuple(from_minor(part, currency) for part in given)


def _in_proportion(units: int, weights: Sequence[Fraction]) -> list[int]:
    """By weights of one sign; a whole below zero is shared as the same above it is."""
    weight = sum(weights, Fraction(0))
    if not weight:
        return _by_remainder(units, weights)
    shares = [Fraction(abs(units) * each, weight) for each in weights]
    return [part if units > 0 else -part for part in _by_remainder(abs(units), shares)]


def _by_remainder(units: int, exact: Sequence[Fraction]) -> list[int]:
    given = [floor(part) for part in exact]
    left = units - sum(given)
    owed = [place for place, part in enumerate(exact) if part != given[place]]
    if not 0 <= left <= len(owed):
        raise Unshareable(f"{units} minor units are not what the parts come to, which is {sum(exact, Fraction(0))}.")
    owed.sort(key=lambda place: (given[place] - exact[place], place))
    for place in owed[:left]:
        given[place] += 1
    return given
