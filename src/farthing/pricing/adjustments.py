"""What is done to an amount after its charge model, in the order it is done."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from farthing.pricing.arithmetic import ZERO, Exact, minus, money, plus, times
from farthing.pricing.charges import Step
from farthing.pricing.currencies import Currency
from farthing.pricing.prices import Price

WHOLE = Fraction(1)
Adjustment: TypeAlias = Callable[[Price, Exact, Currency, Fraction], Step | None]
"""From a price, its amount so far, the currency and the share of a full period to the step that changes the amount."""


def minimum(price: Price, amount: Exact, currency: Currency, share: Fraction) -> Step | None:
    """Lift an amount to the price's minimum for the period."""
    if price.minimum is None or amount >= (bound := _bound(price.minimum, share)):
        return None
    return _to(bound, amount, f"minimum {money(price.minimum, currency)}{_shrunk(share)} applies")


def maximum(price: Price, amount: Exact, currency: Currency, share: Fraction) -> Step | None:
    """Lower an amount to the price's maximum for the period."""
    if price.maximum is None or amount <= (bound := _bound(price.maximum, share)):
        return None
    return _to(bound, amount, f"maximum {money(price.maximum, currency)}{_shrunk(share)} applies")


def _bound(full: Decimal, share: Fraction) -> Exact:
    return full if share == WHOLE else times(full, share)


def _to(bound: Exact, amount: Exact, note: str) -> Step:
    return Step(ZERO, minus(bound, amount), note)


def _shrunk(share: Fraction) -> str:
    return "" if share == WHOLE else f" x {share}"


ADJUSTMENTS: tuple[Adjustment, ...] = (minimum, maximum)


def adjusted(price: Price, amount: Exact, currency: Currency, share: Fraction = WHOLE) -> tuple[Step, ...]:
    """The steps that hold a price's amount between its minimum and its maximum (rule 9).

    amount   what the charge model says, in major units
    share    of a full period: both bounds shrink with it where the price has `prorate`
    returns  the differences, in the order they apply; none where nothing changes
    """
    steps: tuple[Step, ...] = ()
    share = share if price.prorate else WHOLE
    for adjustment in ADJUSTMENTS:
        step = adjustment(price, amount, currency, share)
        if step is not None:
            steps += (step,)
            amount = plus(amount, step.amount)
    return steps
