"""Why a line has the discount and the tax that it has, in words, from the invoice as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from farthing.billing.invoices.values import Invoice, InvoiceLine
from farthing.catalog import Coupon
from farthing.pricing.arithmetic import ZERO, exactly, money, plain
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.discounts import GRANTED
from farthing.pricing.taxes import Tax, parts_of_tax


@dataclass(frozen=True, slots=True)
class DiscountReason:
    """What one coupon or, without one, granted credit takes from a line as entered."""

    coupon: Coupon | None
    amount: Decimal
    note: str


@dataclass(frozen=True, slots=True)
class TaxReason:
    """What one rate puts on a line, or what puts none on it."""

    tax: Tax
    amount: Decimal
    note: str


def discount_reasons(
    invoice: Invoice, line: InvoiceLine, given: Sequence[tuple[str, Coupon]]
) -> tuple[DiscountReason, ...]:
    """What took something from a line: coupons, and then granted credit (rule 19).

    given  the coupons of the invoice by the identifier each was given as, in the order in which they were applied
    """
    unit = currency(invoice.currency)
    inside = _inclusive(invoice)
    left = {one.id: _as_discounted(one, inside) for one in invoice.lines}
    found: list[DiscountReason] = []
    with exactly():
        for id, coupon in given:
            rule = coupon.given_as(id)
            eligible = [one for one in invoice.lines if rule.is_for(one.price) and left[one.id] > ZERO]
            base = sum((left[one.id] for one in eligible), ZERO)
            taken = {one.id: _taken(one, id) for one in invoice.lines}
            if part := taken[line.id]:
                whole = sum(taken.values(), ZERO)
                note = _discount_note(coupon, base, len(eligible), whole, part, unit)
                found.append(DiscountReason(coupon, part, note))
            left = {each: amount - taken[each] for each, amount in left.items()}
        if part := _taken(line, GRANTED):
            found.append(DiscountReason(None, part, _granted_note(invoice, list(left.values()), part, unit)))
    return tuple(found)


def tax_reasons(invoice: Invoice, line: InvoiceLine) -> tuple[TaxReason, ...]:
    """What taxes a line, rate by rate; or the one reason why it bears none, where there is one."""
    unit = currency(invoice.currency)
    rates = [tax for tax in invoice.taxes if tax.rate in line.tax_rates]
    if not rates:
        return tuple(TaxReason(tax, ZERO, _untaxed_note(tax, line, unit)) for tax in invoice.taxes if tax.rate is None)
    if rates[0].inclusive:
        return _included(invoice, line, rates, unit)
    found: list[TaxReason] = []
    for tax in rates:
        mine = [one for one in invoice.lines if tax.rate in one.tax_rates]
        parts = parts_of_tax(tax.amount, tax.percent, [one.net for one in mine], unit)
        part = parts[[one.id for one in mine].index(line.id)]
        whole = f"{plain(tax.percent)} % of {money(tax.taxable, unit)} over {_lines(len(mine))} is"
        note = f"{whole} {money(tax.amount, unit)}; the part of this line's {money(line.net, unit)} is"
        found.append(TaxReason(tax, part, f"{note} {money(part, unit)}"))
    return tuple(found)


def _included(
    invoice: Invoice, line: InvoiceLine, rates: Sequence[Tax], unit: Currency
) -> tuple[TaxReason, ...]:
    with exactly():
        mine = [one for one in invoice.lines if one.tax_rates == line.tax_rates]
        percent = sum((tax.percent for tax in rates), ZERO)
        gross = sum((one.net + one.tax for one in mine), ZERO)
        net = sum((one.net for one in mine), ZERO)
        whole = f"{plain(percent)} % is in {money(gross, unit)} over {_lines(len(mine))}"
        split = f"which is {money(net, unit)} net and {money(gross - net, unit)} tax"
        note = f"{whole}, {split}; of this line {money(line.tax, unit)} is tax"
        parts = parts_of_tax(line.tax, None, [tax.percent for tax in rates], unit)
    return tuple(TaxReason(tax, part, note) for tax, part in zip(rates, parts, strict=True))


def _discount_note(coupon: Coupon, base: Decimal, lines: int, whole: Decimal, part: Decimal, unit: Currency) -> str:
    if coupon.percent is not None:
        said = f"{coupon.name}: {plain(coupon.percent)} % of {money(base, unit)} over {_lines(lines)} is"
    else:
        said = f"{coupon.name}: {money(coupon.amount or ZERO, unit)} off {money(base, unit)} over {_lines(lines)} takes"
    return f"{said} {money(whole, unit)}; this line's part is {money(part, unit)}"


def _granted_note(invoice: Invoice, left: Sequence[Decimal], part: Decimal, unit: Currency) -> str:
    """What granted credit takes from what coupons have left."""
    bearing = [amount for amount in left if amount > ZERO]
    said = f"Granted credit: {money(invoice.granted_credit, unit)} off {money(sum(bearing, ZERO), unit)}"
    return f"{said} over {_lines(len(bearing))}; this line's part is {money(part, unit)}"


def _untaxed_note(tax: Tax, line: InvoiceLine, unit: Currency) -> str:
    said = f"{tax.name}: no tax is asked, category {tax.category}"
    if tax.reason is not None:
        said += f", {tax.reason}"
    if line.entered is not None and line.entered != line.amount:
        said += f"; {money(line.entered, unit)} as entered is {money(line.amount, unit)} without the tax in it"
    return said


def _inclusive(invoice: Invoice) -> frozenset[str]:
    return frozenset(tax.rate for tax in invoice.taxes if tax.rate is not None and tax.inclusive)


def _as_discounted(line: InvoiceLine, inclusive: frozenset[str]) -> Decimal:
    """What coupons took from: with the tax in it, where that is paid (rule 19)."""
    gross = not inclusive.isdisjoint(line.tax_rates) and line.entered is not None
    return line.entered if gross and line.entered is not None else line.amount


def _taken(line: InvoiceLine, id: str) -> Decimal:
    return sum((each.amount for each in line.discounts if each.coupon == id), ZERO)


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"
