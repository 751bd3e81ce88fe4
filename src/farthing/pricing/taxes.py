"""Which tax rates a line takes, and what they come to over an invoice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from farthing.pricing.arithmetic import ZERO, exactly, rounded
from farthing.pricing.currencies import Currency
from farthing.pricing.sharing import shared

STANDARD, EXEMPT, REVERSE_CHARGE = "standard", "exempt", "reverse_charge"
OUTSIDE: Final = "O"
RELIEF: Final[Mapping[str, tuple[str, str]]] = {EXEMPT: ("E", "Exempt"), REVERSE_CHARGE: ("AE", "Reverse charge")}


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax that lines of a code bear in a place.

    percent   of the net
    country   ISO 3166; None: everywhere
    region    of the country; None: all of it
    tax_code  of the lines that take it; None: those that no rate of their own code matches
    category  of EN 16931
    """

    id: str
    key: str
    name: str
    percent: Decimal
    inclusive: bool = False
    country: str | None = None
    region: str | None = None
    tax_code: str | None = None
    category: str = "S"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """What of a customer decides how its invoices are taxed; `treatment` is standard, exempt or reverse_charge."""

    country: str | None = None
    region: str | None = None
    treatment: str = STANDARD
    reason: str | None = None


class Untaxable(Exception):
    """Lines of which nobody can say what tax they bear; says why."""


class CountryMissing(Untaxable):
    """There are rates, but the customer has no country to choose one by (rule 27)."""

    def __init__(self) -> None:
        super().__init__(
            "its tax cannot be told, because the customer has no country; set address.country (rule 27)"
        )


class MixedRates(Untaxable):
    """An inclusive and an exclusive rate for one line (rule 19)."""

    def __init__(self, rates: Sequence[TaxRate]) -> None:
        names = ", ".join(rate.key for rate in rates)
        super().__init__(f"tax rates {names} fall on one line, some inclusive and some not (rule 19)")


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a line is taxed: by its rates or, without any, in its category, None where nobody taxes anything.

    relieved  what percentage of an inclusive price its customer does not pay
    """

    rates: tuple[TaxRate, ...] = ()
    category: str | None = None
    name: str = ""
    reason: str | None = None
    relieved: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Tax:
    """What one rate comes to over an invoice, in major units; without a rate, what bears no tax, and why."""

    rate: str | None
    key: str | None
    name: str
    percent: Decimal
    category: str
    taxable: Decimal
    amount: Decimal
    reason: str | None
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Taxed:
    """Lines net of tax before and after discounts, the tax on each, and what each rate comes to."""

    net: tuple[Decimal, ...]
    left: tuple[Decimal, ...]
    tax: tuple[Decimal, ...]
    taxes: tuple[Tax, ...]


def matching(rates: Sequence[TaxRate], payer: Taxpayer, tax_code: str | None) -> tuple[TaxRate, ...]:
    """All rates of the most specific match for a line (rule 27); none where the known country has none.

    raises  CountryMissing, MixedRates
    """
    codes = (tax_code, None) if tax_code is not None else (None,)
    candidates = [[rate for rate in rates if rate.tax_code == code] for code in codes]
    for each in candidates:
        for place in ((payer.country, payer.region), (payer.country, None), (None, None)):
            found = tuple(rate for rate in each if (rate.country, rate.region) == place)
            if len({rate.inclusive for rate in found}) > 1:
                raise MixedRates(found)
            if found:
                return found
    if payer.country is None and any(candidates):
        raise CountryMissing
    return ()


def treatment(rates: Sequence[TaxRate], payer: Taxpayer, tax_code: str | None) -> Treatment:
    """How a line of this code is taxed for this customer (rule 27); raises CountryMissing, MixedRates.

    Who is exempt or reverse-charged needs no country, but where it tells how much of a price is tax.
    """
    if payer.treatment in RELIEF:
        category, name = RELIEF[payer.treatment]
        asked = matching(rates, payer, tax_code) if any(rate.inclusive for rate in rates) else ()
        included = sum((rate.percent for rate in asked if rate.inclusive), ZERO)
        return Treatment((), category, name, payer.reason, included)
    if found := matching(rates, payer, tax_code):
        return Treatment(found)
    return Treatment((), OUTSIDE, "Not subject to tax") if payer.country is not None else Treatment()


def relieved(amount: Decimal, treatment: Treatment, currency: Currency) -> Decimal:
    """What a line as entered costs whom no tax is asked of: the net of an inclusive price, rounded (rule 27)."""
    if not treatment.relieved:
        return amount
    return rounded(Fraction(amount) / _with(treatment.relieved), currency)


def taxed(
    before: Sequence[Decimal], after: Sequence[Decimal], treatments: Sequence[Treatment], currency: Currency
) -> Taxed:
    """The tax of an invoice, worked out and rounded per rate and then shared over the lines (rules 3 and 19).

    before, after  each line as entered, rounded, and what discounts have left of it, in major units
    """
    net, left, tax = list(before), list(after), [ZERO * amount for amount in before]
    taxes: list[Tax] = []
    with exactly():
        for lines in _alike(treatments):
            treated = treatments[lines[0]]
            if treated.rates and treated.rates[0].inclusive:
                _take_out(lines, treated.rates, net, left, currency)
                for line in lines:
                    tax[line] = after[line] - left[line]
                taxes += _included(lines, treated.rates, left, tax, currency)
            elif treated.category is not None:
                taxes.append(_untaxed(treated, _sum(lines, left)))
        for rate, lines in _exclusive(treatments):
            taxable = [left[line] for line in lines]
            whole = rounded(Fraction(sum(taxable, ZERO)) * _share(rate.percent), currency)
            for line, part in zip(lines, parts_of_tax(whole, rate.percent, taxable, currency), strict=True):
                tax[line] += part
            taxes.append(_told(rate, _sum(lines, left), whole))
    return Taxed(tuple(net), tuple(left), tuple(tax), tuple(taxes))


def parts_of_tax(
    whole: Decimal, percent: Decimal | None, of: Sequence[Decimal], currency: Currency
) -> tuple[Decimal, ...]:
    """The tax of a rate over what it is on (rule 3); without a percentage, a tax over the percentages in it."""
    factor = Fraction(1) if percent is None else _share(percent)
    return shared(whole, [Fraction(each) * factor for each in of], currency)


def _alike(treatments: Sequence[Treatment]) -> Iterable[list[int]]:
    """The places of lines that are treated alike, by first appearance; what they were relieved of is over by now."""
    groups: dict[Treatment, list[int]] = {}
    for place, each in enumerate(treatments):
        groups.setdefault(replace(each, relieved=ZERO), []).append(place)
    return groups.values()


def _exclusive(treatments: Sequence[Treatment]) -> Iterable[tuple[TaxRate, list[int]]]:
    """Each rate that comes on top of the net, with the places of its lines."""
    lines: dict[TaxRate, list[int]] = {}
    for place, each in enumerate(treatments):
        for rate in each.rates:
            if not rate.inclusive:
                lines.setdefault(rate, []).append(place)
    return lines.items()


def _take_out(
    lines: Sequence[int], rates: Sequence[TaxRate], net: list[Decimal], left: list[Decimal], currency: Currency
) -> None:
    """Put what is net in the place of what includes tax: rounded over the lines, and shared over them."""
    factor = _with(sum((rate.percent for rate in rates), ZERO))
    for amounts in (net, left):
        parts = [Fraction(amounts[line]) / factor for line in lines]
        whole = rounded(sum(parts, Fraction(0)), currency)
        for line, part in zip(lines, shared(whole, parts, currency), strict=True):
            amounts[line] = part


def _included(
    lines: Sequence[int], rates: Sequence[TaxRate], left: Sequence[Decimal], tax: Sequence[Decimal], currency: Currency
) -> list[Tax]:
    """What is tax in prices that include it; of several rates, by percent."""
    parts = parts_of_tax(_sum(lines, tax), None, [rate.percent for rate in rates], currency)
    return [_told(rate, _sum(lines, left), part) for rate, part in zip(rates, parts, strict=True)]


def _told(rate: TaxRate, taxable: Decimal, amount: Decimal) -> Tax:
    return Tax(
        rate.id, rate.key, rate.name, rate.percent, rate.category, taxable, amount, rate.reason, rate.inclusive
    )


def _untaxed(treated: Treatment, taxable: Decimal) -> Tax:
    return Tax(
        None, None, treated.name, ZERO, treated.category or OUTSIDE, taxable, ZERO * taxable, treated.reason
    )


def _sum(lines: Sequence[int], amounts: Sequence[Decimal]) -> Decimal:
    return sum((amounts[line] for line in lines), ZERO)


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) * Fraction(1, 100)


def _with(percent: Decimal) -> Fraction:
    """What a net is multiplied by to have its tax in it."""
    return 1 + _share(percent)
