"""Discounts and taxes of whole invoices (rules 3, 19 and 27), with figures by hand and against a naive model."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.checks import check_invoice
from farthing.pricing.currencies import CURRENCIES, Currency, currency
from farthing.pricing.discounts import Coupon, discounts
from farthing.pricing.invoicing import Line, Totals
from farthing.pricing.taxes import CountryMissing, MixedRates, Taxpayer, TaxRate
from farthing.pricing.totalling import totalled
from tests.unit.pricing.naive_invoice import Mixed, NaiveCoupon, NaiveLine, NaiveRate, NoCountry, invoice

USD = currency("USD")
UNITS = st.sampled_from([CURRENCIES[code] for code in ("USD", "JPY", "KWD")])
PRICES, CODES = ("base", "calls", None), ("books", "wine", None)
COUNTRIES, REGIONS = ("DE", "CA", None), ("QC", "ON", None)
RELIEF = {"standard": None, "exempt": "E", "reverse_charge": "AE"}
PERCENTS = st.sampled_from([Decimal(each) for each in ("0", "0.5", "7", "9.975", "19", "20", "33.3333", "100")])


def dollars(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


def line(amount: Decimal, price: str | None = None, code: str | None = None) -> Line:
    return Line("a", price, (), None, Decimal(1), None, amount, "one_off", code)


def percent(number: int, *prices: str, invoices: int | None = None) -> Coupon:
    return Coupon(f"p{number}", Decimal(number), applies_to=frozenset(prices), invoices=invoices)


def amount(text: str, *prices: str) -> Coupon:
    return Coupon(f"a{text}", None, Decimal(text), "USD", frozenset(prices))


@pytest.mark.parametrize(("coupons", "taken"), [
    ([percent(10)], [("1.00", "0.50", "0.01")]),  # 1.505 is 1.51: 1.0033, 0.5017 and 0.0050 by proportion
    ([percent(100)], [("10.00", "5.00", "0.05")]),
    ([percent(10, "base")], [("1.00", "0.00", "0.00")]),
    ([percent(10, "other")], [("0.00", "0.00", "0.00")]),
    ([amount("3.00", "base", "calls")], [("2.00", "1.00", "0.00")]),
    ([amount("99.00")], [("10.00", "5.00", "0.05")]),  # the rest is lost
    ([amount("12.00", "base"), percent(50)], [("10.00", "0.00", "0.00"), ("0.00", "2.50", "0.03")]),
    ([percent(50), percent(50)], [("5.00", "2.50", "0.03"), ("2.50", "1.25", "0.01")]),
])
def test_coupons_take_in_order_and_never_more_than_there_is(
    coupons: list[Coupon], taken: list[tuple[str, ...]]
) -> None:
    """T17: 10.00 for base, 5.00 for calls and 0.05 for something else (rule 19)."""
    found = discounts(["base", "calls", None], dollars("10.00", "5.00", "0.05"), coupons, USD)
    assert found == tuple(dollars(*parts) for parts in taken)


def test_only_positive_lines_are_discounted() -> None:
    found = discounts([None] * 3, dollars("10.00", "-4.00", "0.00"), [amount("20.00")], USD)
    assert found == (dollars("10.00", "0.00", "0.00"),)


def test_an_amount_of_another_currency_takes_nothing() -> None:
    """Nothing ever adds two currencies (rule 23)."""
    euros = Coupon("e", None, Decimal("1.00"), "EUR")
    assert discounts([None], dollars("10.00"), [euros], USD) == (dollars("0.00"),)


def test_a_duration_counts_invoices() -> None:
    assert [percent(10, invoices=2).lasts(used) for used in range(4)] == [True, True, False, False]
    assert percent(10).lasts(10**6)


def test_a_discounted_and_taxed_invoice_by_hand() -> None:
    """60.00 and 30.00 at 19 percent less 10.00: 6.67 and 3.33 off; 80.00 taxed with 15.20: 10.13 and 5.07."""
    rate = TaxRate("t", "de", "VAT", Decimal(19), country="DE")
    lines = [line(Decimal("60.00")), line(Decimal("30.00"))]
    done = totalled(lines, [amount("10.00")], [rate], Taxpayer("DE"), USD)
    assert [(each.amount, each.discount, each.tax) for each in done.lines] == [
        dollars("60.00", "6.67", "10.13"), dollars("30.00", "3.33", "5.07"),
    ]
    assert [each.entered for each in done.lines] == [Decimal("60.00"), Decimal("30.00")]
    assert done.totals == Totals(*dollars("90.00", "10.00", "15.20", "95.20"))
    check_invoice(done.lines, done.totals, USD, done.taxes)


def test_the_net_of_an_inclusive_price_is_discounted_for_whom_no_tax_is_asked() -> None:
    """9.99 with 20 percent in it is 8.33 (8.325) for an exempt customer; half of that is 4.17, not half of 9.99."""
    rate = TaxRate("t", "gb", "VAT", Decimal(20), inclusive=True, country="GB")
    done = totalled([line(Decimal("9.99"))], [percent(50)], [rate], Taxpayer("GB", None, "exempt"), USD)
    [only] = done.lines
    assert (only.amount, only.discount, only.tax) == dollars("8.33", "4.17", "0.00")
    assert [tax.category for tax in done.taxes] == ["E"]


def test_lines_of_one_category_stand_in_one_row() -> None:
    """Whatever tax their prices had in them (EN 16931 has a row for each category and rate)."""
    rate = TaxRate("t", "gb", "VAT", Decimal(20), inclusive=True, country="GB", tax_code="books")
    lines = [line(Decimal("12.00"), code="books"), line(Decimal("12.00"))]
    done = totalled(lines, [], [rate], Taxpayer("GB", None, "reverse_charge"), USD)
    assert [(tax.category, tax.taxable) for tax in done.taxes] == [("AE", Decimal("22.00"))]


RATES = st.lists(
    st.tuples(PERCENTS, st.booleans(), st.sampled_from(COUNTRIES), st.sampled_from(REGIONS), st.sampled_from(CODES)),
    max_size=5,
)
COUPONS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 100), st.sets(st.sampled_from(("base", "calls")))), max_size=3
)
LINES = st.lists(
    st.tuples(st.sampled_from(PRICES), st.sampled_from(CODES), st.integers(0, 10**6)), min_size=1, max_size=6
)


@given(
    unit=UNITS, given_lines=LINES, given_coupons=COUPONS, given_rates=RATES, inclusive=st.none() | st.booleans(),
    country=st.sampled_from(COUNTRIES), region=st.sampled_from(REGIONS), treatment=st.sampled_from(list(RELIEF)),
    granted=st.just(0) | st.integers(0, 10**6),
)
def test_the_product_agrees_with_the_rules_read_naively(
    unit: Currency, given_lines: list[tuple[str | None, str | None, int]],
    given_coupons: list[tuple[bool, int, set[str]]],
    given_rates: list[tuple[Decimal, bool, str | None, str | None, str | None]], inclusive: bool | None,
    country: str | None, region: str | None, treatment: str, granted: int,
) -> None:
    """Every line, rate and sum of random invoices (rules 3, 19, 27 and 28; I5)."""
    rates = [
        TaxRate(str(place), str(place), "Tax", each, inside if inclusive is None else inclusive, where, part, code)
        for place, (each, inside, where, part, code) in enumerate(given_rates)
        if part is None or where is not None
    ]
    coupons = [
        Coupon(str(place), Decimal(number), applies_to=frozenset(keys)) if by_percent
        else Coupon(str(place), None, from_minor(number * 997, unit), unit.code, frozenset(keys))
        for place, (by_percent, number, keys) in enumerate(given_coupons)
    ]
    lines = [line(from_minor(units, unit), price, code) for price, code, units in given_lines]
    try:
        expected = invoice(
            [NaiveLine(*each) for each in given_lines],
            [NaiveCoupon(
                None if one.percent is None else Fraction(one.percent),
                None if one.amount is None else to_minor(one.amount, unit), one.applies_to,
            ) for one in coupons],
            [NaiveRate(Fraction(one.percent), one.inclusive, one.country, one.region, one.tax_code) for one in rates],
            country, region if country is not None else None, RELIEF[treatment], granted,
        )
    except NoCountry:
        with pytest.raises(CountryMissing):
            totalled(lines, coupons, rates, Taxpayer(country, None, treatment), unit)
        return
    except Mixed:
        with pytest.raises((MixedRates, CountryMissing)):
            totalled(lines, coupons, rates, Taxpayer(country, region, treatment), unit)
        return
    done = totalled(lines, coupons, rates, Taxpayer(country, region, treatment), unit, from_minor(granted, unit))
    assert [to_minor(each.amount, unit) for each in done.lines] == expected.net
    assert [to_minor(each.discount, unit) for each in done.lines] == expected.discount
    assert [to_minor(each.tax, unit) for each in done.lines] == expected.tax
    by_rate = {int(tax.rate): tax for tax in done.taxes if tax.rate is not None}
    places = {place: int(rate.id) for place, rate in enumerate(rates)}
    assert {place: (to_minor(tax.taxable, unit), to_minor(tax.amount, unit)) for place, tax in by_rate.items()} == {
        places[place]: found for place, found in expected.by_rate.items()
    }
    untaxed = {tax.category: to_minor(tax.taxable, unit) for tax in done.taxes if tax.rate is None}
    assert untaxed == expected.untaxed
    check_invoice(done.lines, done.totals, unit, done.taxes)


@given(units=st.lists(st.integers(0, 10**7), min_size=1, max_size=8), rate=PERCENTS, unit=UNITS)
def test_an_inclusive_invoice_comes_to_what_was_entered(units: list[int], rate: Decimal, unit: Currency) -> None:
    """Net and tax together are the gross of each line, to the last minor unit (rule 19)."""
    inside = TaxRate("t", "t", "Tax", rate, inclusive=True)
    lines = [line(from_minor(each, unit)) for each in units]
    done = totalled(lines, [], [inside], Taxpayer("DE"), unit)
    assert [to_minor(each.amount, unit) + to_minor(each.tax, unit) for each in done.lines] == units


@given(units=st.lists(st.integers(0, 10**7), min_size=1, max_size=8), coupons=COUPONS)
def test_coupons_never_take_more_than_the_lines_they_are_for(
    units: list[int], coupons: list[tuple[bool, int, set[str]]]
) -> None:
    """T17: no line and no invoice below zero, whatever is applied (rule 19)."""
    given_coupons = [
        percent(number, *keys) if by_percent else amount(f"{number * 100}.00", *keys)
        for by_percent, number, keys in coupons
    ]
    assume(given_coupons)
    prices = [PRICES[place % 3] for place in range(len(units))]
    amounts = [from_minor(each, USD) for each in units]
    taken = discounts(prices, amounts, given_coupons, USD)
    for place, each in enumerate(amounts):
        parts = [of[place] for of in taken]
        assert all(part >= 0 for part in parts)
        assert sum(parts) <= each
        assert all(
            not part or coupon.is_for(prices[place]) for part, coupon in zip(parts, given_coupons, strict=True)
        )
