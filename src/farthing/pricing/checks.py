"""The last look at an invoice before it is stored: what does not hold is refused, not billed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from farthing.pricing.agreements import outside
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Line, Totals
from farthing.pricing.rating import Group
from farthing.pricing.taxes import Tax

LARGEST = Decimal(2**63 - 1)  # minor units that the books can hold
CHARGES = ("usage", "fee")  # other reasons correct one of these
CORRECTIONS = ("proration", "late_usage", "commitment")  # which alone may be below zero, and name what they correct


class UnsoundInvoice(Exception):
    """An invoice that must not be stored; says what does not hold."""


def check_invoice(lines: Sequence[Line], totals: Totals, currency: Currency, taxes: Sequence[Tax] = ()) -> None:
    """Raises UnsoundInvoice unless the sums hold, every amount has the currency's own decimals, the books can
    hold it, only a correction is below zero, and no price is billed twice for a day (rules 2, 4, 19 and 25)."""
    with exactly():
        _check_sums(lines, totals)
        for amount in (totals.total, totals.subtotal - totals.discount_total):
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
    """Neither a line, nor what discounts leave of it, nor its tax is below zero, but where it gives something back of
    another line, which it names: then none of them is above it (rules 4 and 19)."""
    gives_back = line.reason in CORRECTIONS and line.corrects is not None and line.amount < ZERO
    for amount in (line.amount, line.amount - line.discount, line.tax):
        _check_amount(-amount if gives_back else amount, currency)


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


@dataclass(frozen=True, slots=True)
class Billed:
    """What a line bills, and on which invoice it stands, in words; `line` tells it from others."""

    where: str
    price: str
    group: Group
    reason: str
    period: Period
    line: str = ""

    @property
    def told(self) -> str:
        group = f" ({', '.join(value or 'none' for value in self.group)})" if self.group else ""
        start, end = self.period.start.isoformat(), self.period.end.isoformat()
        return f"the {self.reason} line{group} from {start} to {end} on {self.where}"


def check_once(lines: Sequence[Line], others: Sequence[Billed]) -> None:
    """Raises UnsoundInvoice, naming both lines, when a line would bill a price for days that another line of its
    subscription bills already (rule 25, I4).

    others  of all other invoices that stand; what these lines give back of them, naming them, is billed no more
    """
    back: dict[str, list[Period]] = {}
    for each in lines:
        if each.reason == "proration" and each.corrects is not None and each.period is not None:
            back.setdefault(each.corrects[1], []).append(each.period)
    standing = [piece for one in others for piece in less(one, back.get(one.line, ()))]
    for line in _billed(lines):
        for other in standing:
            same = (line.price, line.group, line.reason) == (other.price, other.group, other.reason)
            if same and line.reason in CHARGES:
                _check_apart(line, other)


def less(one: Billed, back: Sequence[Period]) -> Iterator[Billed]:
    """What is billed still once some of its days were given back."""
    return (replace(one, period=period) for period in outside(back, [one.period]))


def _check_once(lines: Sequence[Line]) -> None:
    billed: dict[tuple[object, ...], list[Billed]] = {}
    for line in _billed(lines):
        billed.setdefault((line.price, line.group, line.reason), []).append(line)
    for alike in billed.values():
        for one, other in pairwise(sorted(alike, key=lambda line: (line.period.start, line.period.end))):
            _check_apart(one, other)


def _billed(lines: Sequence[Line]) -> Iterator[Billed]:
    for line in lines:
        if line.price is not None and line.period is not None:
            yield Billed("this invoice", line.price, line.group, line.reason, line.period)


def _check_apart(one: Billed, other: Billed) -> None:
    apart = one.period.end <= other.period.start or other.period.end <= one.period.start
    if not apart or one.period == other.period:
        raise UnsoundInvoice(f"{one.price} would be billed twice: by {one.told} and by {other.told}.")
