"""The last look at an invoice before it is stored: what does not hold is refused, not billed."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Line, Totals
from farthing.pricing.taxes import Tax

LARGEST = Decimal(2**63 - 1)  # minor units that the books can hold


class UnsoundInvoice(Exception):
    """An invoice that must not be stored; says what does not hold."""


def check_invoice(lines: Sequence[Line], totals: Totals, currency: Currency, taxes: Sequence[Tax] = ()) -> None:
    """Raises UnsoundInvoice unless the sums hold, every amount has the currency's own decimals, the books can
    hold it, nothing is below zero, and no price is billed twice for a day (rules 2, 4, 19 and 25; I4, I5)."""
    with exactly():
        _check_sums(lines, totals)
        for amount in (totals.total, *(line.amount for line in lines)):
            _check_amount(amount, currency)
        for line in lines:
            _check_line(line, currency)
        _check_taxes(lines, totals, taxes)
    _check_once(lines)


def _check_sums(lines: Sequence[Line], totals: Totals) -> None:
    if totals.subtotal != sum((line.amount for line in lines), ZERO):
        raise UnsoundInvoice(f"The subtotal {totals.subtotal} is not the sum of the lines.")
    if totals.discount_total != sum((line.discount for line in lines), ZERO):
        raise UnsoundInvoice(f"The discount {totals.discount_total} is not the sum of the lines' discounts.")
    if totals.tax_total != sum((line.tax for line in lines), ZERO):
        raise UnsoundInvoice(f"The tax {totals.tax_total} is not the sum of the lines' taxes.")
    if totals.total != totals.subtotal - totals.discount_total + totals.tax_total:
        raise UnsoundInvoice(f"The total {totals.total} is not subtotal less discounts plus tax.")


def _check_line(line: Line, currency: Currency) -> None:
    """What discounts leave of a line is never below zero, nor is its tax (rule 19)."""
    _check_amount(line.amount - line.discount, currency)
    _check_amount(line.tax, currency)


def _check_taxes(lines: Sequence[Line], totals: Totals, taxes: Sequence[Tax]) -> None:
    """The rates come to the tax of all lines, each on what is left of its own (EN 16931: BR-CO-14)."""
    if totals.tax_total != sum((tax.amount for tax in taxes), ZERO):
        raise UnsoundInvoice(f"The tax {totals.tax_total} is not the sum of the rates' taxes.")
    for tax in taxes:
        if tax.rate is not None:
            taxable = sum((line.amount - line.discount for line in lines if tax.rate in line.tax_rates), ZERO)
            if tax.taxable != taxable:
                raise UnsoundInvoice(f"{tax.name} is on {tax.taxable}, but its lines come to {taxable}.")


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
