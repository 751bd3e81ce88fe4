"""A minimum and a maximum hold the amount of a period, and say so."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from farthing.pricing.adjustments import adjusted
from farthing.pricing.arithmetic import Exact
from farthing.pricing.charges import Step, amount_of
from farthing.pricing.currencies import currency
from farthing.pricing.prices import Billing, PerUnit, Price
from tests.unit.pricing.strategies import amounts, quantities

D = Decimal
USD = currency("USD")


def price(minimum: str | None, maximum: str | None) -> Price:
    bounds = [None if bound is None else D(bound) for bound in (minimum, maximum)]
    return Price(
        "calls", "Calls", PerUnit(D(1)), "calls", Billing.IN_ARREARS, minimum=bounds[0], maximum=bounds[1]
    )


@pytest.mark.parametrize(
    ("minimum", "maximum", "amount", "change", "note"),
    [
        ("5.00", None, "0", "5", "minimum 5.00 applies"),
        ("5", "10", "4.999", "0.001", "minimum 5.00 applies"),
        ("5", "10", "10.5", "-0.5", "maximum 10.00 applies"),
        (None, "0", "3", "-3", "maximum 0.00 applies"),
    ],
)
def test_an_amount_is_held_and_the_step_says_so(
    minimum: str | None, maximum: str | None, amount: str, change: str, note: str
) -> None:
    """`minimum` and `maximum` hold a price's amount for the usage period (rule 9)."""
    assert adjusted(price(minimum, maximum), D(amount), USD) == (Step(D(0), D(change), note),)


@pytest.mark.parametrize("amount", ["5", "7.25", "10"])
def test_an_amount_within_is_left_alone(amount: str) -> None:
    assert adjusted(price("5", "10"), D(amount), USD) == ()
    assert adjusted(price(None, None), D(amount), USD) == ()


@given(amounts(500, 2), amounts(500, 2), quantities())
def test_the_adjusted_amount_lies_within(one: Decimal, other: Decimal, amount: Exact) -> None:
    """And is the nearest that does (rule 9)."""
    low, high = sorted((one, other))
    steps = adjusted(price(str(low), str(high)), amount, USD)
    held = Fraction(amount) + Fraction(amount_of(steps))
    assert held == min(max(Fraction(amount), Fraction(low)), Fraction(high))
