"""Sharing out (rule 3)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.arithmetic import from_minor, rounded
from farthing.pricing.currencies import CURRENCIES, Currency, currency
from farthing.pricing.sharing import Unshareable, shared

USD = currency("USD")
UNITS = st.sampled_from([CURRENCIES[code] for code in ("USD", "JPY", "KWD", "CLF")])
WEIGHTS = st.lists(st.fractions(0, 10**9, max_denominator=10**6), min_size=1, max_size=12)


def dollars(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


@pytest.mark.parametrize(("whole", "parts", "given_out"), [
    ("0.05", ("1", "1", "1"), ("0.02", "0.02", "0.01")),  # 1.67 each: equal remainders go to the earlier line
    ("1.00", ("1", "1", "1"), ("0.34", "0.33", "0.33")),
    ("10.00", ("50", "30", "20"), ("5.00", "3.00", "2.00")),
    ("0.01", ("1", "99"), ("0.00", "0.01")),  # 0.01 and 0.99 of a cent
    ("0.10", ("3", "0", "4"), ("0.04", "0.00", "0.06")),  # 4.29 and 5.71 cents: the larger remainder
    ("-0.05", ("-1", "-1", "-1"), ("-0.02", "-0.02", "-0.01")),  # what is given back is shared like what was taken
    ("0.00", ("0", "0"), ("0.00", "0.00")),
    ("0.00", (), ()),
])
def test_an_amount_is_shared_by_largest_remainder(
    whole: str, parts: tuple[str, ...], given_out: tuple[str, ...]
) -> None:
    assert shared(Decimal(whole), dollars(*parts), USD) == dollars(*given_out)


def test_lines_of_both_signs_keep_their_own_parts() -> None:
    """19 percent of 1000.00 and of -999.97 is 190.00 and -189.9943: 0.01 together, not shared by their sum of 0.03."""
    parts = [Fraction(1000) * 19 / 100, Fraction("-999.97") * 19 / 100]
    assert shared(Decimal("0.01"), parts, USD) == dollars("190.00", "-189.99")
    assert shared(Decimal("0.00"), dollars("19.00", "-19.00"), USD) == dollars("19.00", "-19.00")


def test_what_is_not_the_sum_of_its_parts_cannot_be_shared() -> None:
    for whole, parts in (("0.01", ()), ("0.01", ("0", "0")), ("5.00", ("1", "-1")), ("-5.00", ("1", "-1"))):
        with pytest.raises(Unshareable):
            shared(Decimal(whole), dollars(*parts), USD)


@given(units=st.integers(-10**12, 10**12), weights=WEIGHTS, unit=UNITS)
def test_parts_sum_to_the_whole_and_each_is_its_share(units: int, weights: list[Fraction], unit: Currency) -> None:
    """To the last minor unit, each part within one of its exact share, and equal weights in order (rule 3)."""
    weight = sum(weights)
    whole = from_minor(units if weight else 0, unit)
    minor = Fraction(1, 10**unit.decimals)
    parts = shared(whole, weights, unit)
    assert sum(map(Fraction, parts)) == Fraction(whole)
    for part, each in zip(parts, weights, strict=True):
        exact = Fraction(whole) * each / weight if weight else Fraction(0)
        assert abs(Fraction(part) - exact) < minor
        assert each or part == 0
    for at, part in enumerate(parts):
        later = [parts[place] for place in range(at + 1, len(parts)) if weights[place] == weights[at]]
        assert all(abs(part) >= abs(other) for other in later)


@given(exact=st.lists(st.fractions(-10**6, 10**6, max_denominator=10**5), min_size=1, max_size=12), unit=UNITS)
def test_own_parts_of_both_signs_sum_to_their_rounded_sum(exact: list[Fraction], unit: Currency) -> None:
    """Each stays within one minor unit of its own (rule 3)."""
    whole = rounded(sum(exact, Fraction(0)), unit)
    parts = shared(whole, exact, unit)
    assert sum(map(Fraction, parts)) == Fraction(whole)
    if min(exact) < 0 < max(exact):
        assert all(abs(Fraction(p) - e) < Fraction(1, 10**unit.decimals) for p, e in zip(parts, exact, strict=True))


@given(units=st.integers(0, 10**9), weights=WEIGHTS)
def test_sharing_back_mirrors_sharing_out(units: int, weights: list[Fraction]) -> None:
    """A correction takes from each line what was put there (rule 3)."""
    whole = from_minor(units if any(weights) else 0, USD)
    assert shared(-whole, weights, USD) == tuple(-part for part in shared(whole, weights, USD))
