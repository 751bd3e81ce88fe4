"""From the lines of an invoice as entered to what is owed: coupons, then tax on what they leave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.currencies import Currency
from farthing.pricing.discounts import Coupon, discounts
from farthing.pricing.invoicing import Discount, Line, Totals
from farthing.pricing.taxes import Tax, Taxed, Taxpayer, TaxRate, Treatment, relieved, taxed, treatment


@dataclass(frozen=True, slots=True)
class Totalled:
    """Lines with their discounts and taxes, net; what each rate comes to; and the sums."""

    lines: tuple[Line, ...]
    taxes: tuple[Tax, ...]
    totals: Totals


def totalled(
    lines: Sequence[Line], coupons: Sequence[Coupon], rates: Sequence[TaxRate], payer: Taxpayer, currency: Currency
) -> Totalled:
    """Take coupons off, in order, and then put the tax on what is left (rules 19 and 27).

    lines    as entered, in the order of the invoice, amounts rounded
    coupons  those that last, in the order in which they were applied
    raises   CountryMissing, MixedRates
    """
    treatments = [treatment(rates, payer, line.tax_code) for line in lines]
    with exactly():
        entered = [relieved(line.amount, each, currency) for line, each in zip(lines, treatments, strict=True)]
        return _totalled(lines, entered, coupons, treatments, currency)


def untaxed(lines: Sequence[Line], coupons: Sequence[Coupon], currency: Currency) -> Totalled:
    """The same of a draft whose tax nobody can tell yet: coupons only."""
    with exactly():
        return _totalled(lines, [line.amount for line in lines], coupons, [Treatment() for _ in lines], currency)


def _totalled(
    lines: Sequence[Line], entered: Sequence[Decimal], coupons: Sequence[Coupon], treatments: Sequence[Treatment],
    currency: Currency,
) -> Totalled:
    taken = discounts([line.price for line in lines], entered, coupons, currency)
    after = [
        amount - sum((parts[place] for parts in taken), ZERO) for place, amount in enumerate(entered)
    ]
    found = taxed(entered, after, treatments, currency)
    done = tuple(
        _line(line, place, treatments[place], found, [
            Discount(coupon.id, parts[place]) for coupon, parts in zip(coupons, taken, strict=True) if parts[place]
        ])
        for place, line in enumerate(lines)
    )
    return Totalled(done, found.taxes, totals(done))


def _line(line: Line, place: int, treated: Treatment, found: Taxed, taken: Sequence[Discount]) -> Line:
    return replace(
        line, amount=found.net[place], discount=found.net[place] - found.left[place], tax=found.tax[place],
        tax_rates=tuple(rate.id for rate in treated.rates), discounts=tuple(taken), entered=line.amount,
    )


def totals(lines: Sequence[Line]) -> Totals:
    """The sums of an invoice's lines (rule 19)."""
    with exactly():
        subtotal = sum((line.amount for line in lines), ZERO)
        discount_total = sum((line.discount for line in lines), ZERO)
        tax_total = sum((line.tax for line in lines), ZERO)
        return Totals(subtotal, discount_total, tax_total, subtotal - discount_total + tax_total)
