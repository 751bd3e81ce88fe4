"""Exact decimals: the one way numbers come in and go out, and the one function that rounds."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from functools import reduce
from math import floor
from typing import TypeAlias, cast

from farthing.pricing.currencies import Currency

Exact: TypeAlias = Decimal | Fraction
"""A number that has lost nothing: a quotient stays a fraction until its line is rounded."""

ZERO = Decimal(0)

SIGNIFICANT_DIGITS = 38
EXPONENT = 30

# The digits of a lawful number stand between 10**38 and 10**-67, so a product of three has at most 315, and
# the sum of a billion such products 9 more. All is spelled out, since what a Context leaves out comes from
# decimal.DefaultContext, which the program around us may have changed. The exponents end not far beyond the
# precision: a number from elsewhere raises Overflow before it fills the memory by being written out.
EXACT = Context(
    prec=400,
    rounding=ROUND_HALF_UP,  # never used: whatever would have to be rounded raises Inexact
    Emin=-999,
    Emax=999,
    capitals=1,
    clamp=0,
    traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)

_LONGEST_TEXT = 128
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SHOWN = 40
_QUOTIENT_DECIMALS = 12


class NotADecimal(ValueError):
    """A text that is no decimal number, or one outside the limits; `rule` says what was expected."""

    def __init__(self, text: str, rule: str) -> None:
        self.text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        self.rule = rule
        super().__init__(f"{self.text!r} is not a number we take: {rule}.")


class TooManyDecimals(ValueError):
    """An amount of money that is finer than its currency's minor unit."""

    def __init__(self, amount: Decimal, currency: Currency) -> None:
        self.amount = amount
        self.currency = currency
        super().__init__(f"{plain(amount)} has too many decimals: {currency.code} has {currency.decimals}.")


def exactly() -> AbstractContextManager[Context]:
    """A block in which `Decimal` loses no digit: what would lose one raises Inexact (rule 1)."""
    return localcontext(EXACT)


def decimal_from(text: str) -> Decimal:
    """The number that a text spells: the one way a number from outside comes in.

    text     a number as JSON writes it: `-?digits[.digits][e[+-]digits]` in ASCII, no leading zeros
    returns  exactly that number with the decimals it was written with; `-0` comes out as 0
    raises   NotADecimal when it has another form, or an exponent written beyond +-30, or, written out without
             an exponent, more than 38 significant digits (trailing zeros count) or a first one below 10**-30

    So `1e30` passes, and so do 38 digits before the point or after it, but not `1e31`. A number that passes
    does so again in the form that `plain` gives it. Everything is decided before a Decimal is made, which for
    a bomb such as `1e999999999` costs seconds and gigabytes once it is written out; a text of more than 128
    characters, padded with zeros as it must be, is not even looked at.
    """
    if len(text) > _LONGEST_TEXT:
        raise NotADecimal(text, f"expected at most {SIGNIFICANT_DIGITS} significant digits")
    if _JSON_NUMBER.fullmatch(text) is None:
        raise NotADecimal(text, "expected digits such as 12, -0.5 or 1.2e3")
    written, _, exponent = text.lower().partition("e")
    power = int(exponent or "0")
    if not -EXPONENT <= power <= EXPONENT:
        raise NotADecimal(text, f"expected an exponent from -{EXPONENT} to {EXPONENT}")
    _check_digits(text, written.lstrip("-"), power)
    number = Decimal(text)
    return number if number else number.copy_abs()


def _check_digits(text: str, written: str, power: int) -> None:
    whole, _, decimals = written.partition(".")
    digits = (whole + decimals).lstrip("0")
    lowest = power - len(decimals)  # the power of ten that the last digit stands for
    if digits and len(digits) + max(lowest, 0) > SIGNIFICANT_DIGITS:
        raise NotADecimal(text, f"expected at most {SIGNIFICANT_DIGITS} significant digits")
    if digits and lowest + len(digits) - 1 < -EXPONENT:
        raise NotADecimal(text, f"expected nothing closer to zero than 1e-{EXPONENT}")


def plain(value: Exact) -> str:
    """The canonical text of a number: no exponent, no trailing zeros, `0` for every zero.

    A fraction that does not end is given to 12 decimals, half away from zero; everything else whole.
    """
    if isinstance(value, Fraction):
        value = _ended(value)
    text = format(value, "f")  # exact, whatever the context's precision
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if value else "0"


def _ended(value: Fraction) -> Decimal:
    places = _decimals_of(value.denominator)
    if places is None:
        places = _QUOTIENT_DECIMALS
    return _shifted(_nearest(value * 10**places), places)


def _decimals_of(denominator: int) -> int | None:
    """How many decimals a fraction in lowest terms has; None when it does not end."""
    counts = []
    for prime in (2, 5):
        count = 0
        while denominator % prime == 0:
            denominator //= prime
            count += 1
        counts.append(count)
    return max(counts) if denominator == 1 else None


def _nearest(value: Fraction) -> int:
    """The only place that rounds: half away from zero."""
    units: int = floor(abs(value) + Fraction(1, 2))
    return units if value >= 0 else -units


def _shifted(units: int, places: int) -> Decimal:
    sign, digits = ("-", str(-units)) if units < 0 else ("", str(units))
    return Decimal(f"{sign}{digits}e-{places}")


def rounded(exact: Exact, currency: Currency) -> Decimal:
    """An exact amount at its currency's own decimals, half away from zero (rule 2).

    exact    in major units; called once, where the amount becomes an invoice line
    returns  major units with exactly the currency's number of decimals, never -0
    """
    return from_minor(_nearest(Fraction(exact) * 10**currency.decimals), currency)


def money(amount: Decimal, currency: Currency) -> str:
    """An amount as it goes over the wire: always the currency's own number of decimals.

    amount   in major units; raises TooManyDecimals when it was not rounded yet
    """
    return format(from_minor(to_minor(amount, currency), currency), "f")


def amount_from(text: str, currency: Currency) -> Decimal:
    """The amount of money that a text spells, in major units.

    raises  NotADecimal, and TooManyDecimals when it is written with more decimals than the currency has
    """
    amount = decimal_from(text)
    if decimals_of(amount) > currency.decimals:
        raise TooManyDecimals(amount, currency)
    return from_minor(to_minor(amount, currency), currency)


def decimals_of(amount: Decimal) -> int:
    """How many decimals an amount was written with: 2 for 1.20, 0 for 1e3."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise NotADecimal(str(amount), "expected a finite number")
    return max(0, -exponent)


def to_minor(amount: Decimal, currency: Currency) -> int:
    """Major units as a whole number of minor ones; raises TooManyDecimals when it is not whole."""
    minor: Fraction = Fraction(amount) * 10**currency.decimals
    if minor.denominator != 1:
        raise TooManyDecimals(amount, currency)
    return minor.numerator


def from_minor(units: int, currency: Currency) -> Decimal:
    """Minor units as major ones, with exactly the currency's number of decimals."""
    return _shifted(units, currency.decimals)


def times(one: Exact, other: Exact) -> Exact:
    """The exact product; `Decimal` and `Fraction` do not multiply each other by themselves."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return EXACT.multiply(one, other)
    return Fraction(one) * Fraction(other)


def plus(one: Exact, other: Exact) -> Exact:
    """The exact sum of two."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return EXACT.add(one, other)
    return Fraction(one) + Fraction(other)


def minus(one: Exact, other: Exact) -> Exact:
    """The exact difference."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return EXACT.subtract(one, other)
    return Fraction(one) - Fraction(other)


def total(parts: Iterable[Exact]) -> Exact:
    """The exact sum of any number of parts; 0 for none."""
    return reduce(plus, parts, cast("Exact", ZERO))
