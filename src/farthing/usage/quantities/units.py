"""Quantities in units of 10**-9: whole ones as an int, which adds up exactly and fast, finer ones as a fraction."""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from farthing.pricing.arithmetic import EXACT

Units = int | Fraction
DECIMALS: Final = 9
ONE: Final = 10**DECIMALS
LEAST, MOST = -(2**63), 2**63 - 1  # of the integers that every database stores


@lru_cache(20_000)
def units_of(value: Decimal) -> Units:
    """The same number, exactly."""
    exact = EXACT.scaleb(value, DECIMALS)
    whole = int(exact)
    return whole if whole == exact else Fraction(exact)


def decimal_of(units: Units) -> Decimal:
    """What units stand for, without needless zeros after the point."""
    if isinstance(units, Fraction):
        return EXACT.scaleb(EXACT.divide(Decimal(units.numerator), Decimal(units.denominator)), -DECIMALS)
    whole, rest = divmod(units, ONE)
    return Decimal(whole) if not rest else EXACT.scaleb(Decimal(units), -DECIMALS)


def fits(units: Units | None) -> bool:
    """Whether a column of 64-bit integers holds it."""
    return units is None or (isinstance(units, int) and LEAST <= units <= MOST)
