"""What is done to an amount after its charge model, in the order it is done."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from farthing.pricing.arithmetic import ZERO, Exact, minus, money, plus
from farthing.pricing.charges import Step
from farthing.pricing.currencies import Currency
from farthing.pricing.prices import Price

Adjustment: TypeAlias = Callable[[Price, Exact, Currency], Step | None]
"""From a price, its amount so far and the currency to the step that changes the amount, if any does."""


def minimum(price: Price, amount: Exact, currency: Currency) -> Step | None:
    """Lift an amount to the price's minimum for the period."""
    if price.minimum is None or amount >= price.minimum:
        return None
    return _to(price.minimum, amount, f"minimum {money(price.minimum, currency)} applies")


def maximum(price: Price, amount: Exact, currency: Currency) -> Step | None:
    """Lower an amount to the price's maximum for the period."""
    if price.maximum is None or amount <= price.maximum:
        return None
    return _to(price.maximum, amount, f"maximum {money(price.maximum, currency)} applies")


def _to(bound: Decimal, amount: Exact, note: str) -> Step:
    return Step(ZERO, minus(bound, amount), note)


ADJUSTMENTS: tuple[Adjustment, ...] = (minimum, maximum)


def adjusted(price: Price, amount: Exact, currency: Currency) -> tuple[Step, ...]:
    """The steps that hold a price's amount between its minimum and its maximum (rule 9).

    amount   what the charge model says for a full period, in major units
    returns  the differences, in the order they apply; none where nothing changes
    """
    steps: tuple[Step, ...] = ()
    for adjustment in ADJUSTMENTS:
        step = adjustment(price, amount, currency)
        if step is not None:
            steps += (step,)
            amount = plus(amount, step.amount)
    return steps
