"""The last look at an invoice before it is stored: what does not hold is refused, not billed."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Line, Totals

LARGEST = Decimal(2**63 - 1)  # minor units that the books can hold


class UnsoundInvoice(Exception):
    """An invoice that must not be stored; says what does not hold."""


def check_invoice(lines: Sequence[Line], totals: Totals, currency: Currency) -> None:
    """Raises UnsoundInvoice unless the sums hold, every amount has the currency's own decimals, the books can
    hold it, nothing is below zero, and no price is billed twice for a day (rules 2, 4, 19 and 25; I4, I5)."""
    with exactly():
        if totals.subtotal != sum((line.amount for line in lines), ZERO):
            raise UnsoundInvoice(f"The subtotal {totals.subtotal} is not the sum of the lines.")
        if totals.total != totals.subtotal - totals.discount_total + totals.tax_total:
            raise UnsoundInvoice(f"The total {totals.total} is not subtotal less discounts plus tax.")
        for amount in (totals.total, *(line.amount for line in lines)):
            _check_amount(amount, currency)
    _check_once(lines)


def _check_amount(amount: Decimal, currency: Currency) -> None:
    minor = amount.scaleb(currency.decimals)
    if amount < 0:
        raise UnsoundInvoice(f"{amount} {currency.code} is below zero.")
    if minor != minor.to_integral_value():
        raise UnsoundInvoice(f"{amount} has more decimals than {currency.code}.")
    if minor > LARGEST:
        raise UnsoundInvoice(f"{amount:.6E} {currency.code} is more than an invoice can hold.")


def _check_once(lines: Sequence[Line]) -> None:
    billed: dict[tuple[object, ...], list[Period]] = {}
    for line in lines:
        if line.price is not None and line.period is not None:
            billed.setdefault((line.price, line.group, line.reason), []).append(line.period)
    for (price, *_), periods in billed.items():
        ordered = sorted(periods, key=lambda period: (period.start, period.end))
        for one, other in pairwise(ordered):
            if other.start < one.end or one == other:
                raise UnsoundInvoice(f"{price} is billed twice from {other.start.isoformat()} on.")
