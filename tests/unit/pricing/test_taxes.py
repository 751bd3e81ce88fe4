"""Which rates a line takes, and what they come to (rules 19 and 27)."""

from decimal import Decimal

import pytest

from farthing.pricing.currencies import currency
from farthing.pricing.taxes import CountryMissing, MixedRates, Taxpayer, TaxRate, Treatment, taxed, treatment

USD, JPY, KWD = currency("USD"), currency("JPY"), currency("KWD")
WORLD = TaxRate("w", "world", "World tax", Decimal(1))
GERMANY = TaxRate("d", "de", "VAT", Decimal(19), country="DE")
BOOKS = TaxRate("b", "de-books", "VAT on books", Decimal(7), country="DE", tax_code="books")
CANADA = TaxRate("c", "ca", "GST", Decimal(5), country="CA")
QUEBEC = TaxRate("q", "qc-gst", "GST", Decimal(5), country="CA", region="QC")
QUEBEC_TOO = TaxRate("r", "qc-qst", "QST", Decimal("9.975"), country="CA", region="QC")
RATES = (WORLD, GERMANY, BOOKS, CANADA, QUEBEC, QUEBEC_TOO)
BRITAIN = TaxRate("g", "gb", "VAT", Decimal(20), inclusive=True, country="GB")


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(("country", "region", "code", "keys"), [
    ("DE", None, None, ["de"]), ("DE", "Bayern", None, ["de"]), ("DE", None, "books", ["de-books"]),
    ("DE", None, "wine", ["de"]), ("FR", None, None, ["world"]), ("FR", None, "books", ["world"]),
    ("CA", "QC", None, ["qc-gst", "qc-qst"]), ("CA", "ON", None, ["ca"]), ("CA", None, "books", ["ca"]),
    (None, None, None, ["world"]), (None, None, "books", ["world"]), (None, "QC", None, ["world"]),
])
def test_the_most_specific_match_is_taken_and_all_of_it(
    country: str | None, region: str | None, code: str | None, keys: list[str]
) -> None:
    """Its own code before none, region before country before everywhere (rule 27)."""
    treated = treatment(RATES, Taxpayer(country, region), code)
    assert [rate.key for rate in treated.rates] == keys


def test_no_match_in_a_known_country_is_category_o() -> None:
    assert treatment((GERMANY,), Taxpayer("FR"), None).category == "O"
    assert treatment((), Taxpayer("FR"), None).category == "O"
    assert treatment((BOOKS,), Taxpayer("DE"), None).category == "O"


def test_without_a_country_nobody_is_untaxed_by_accident() -> None:
    """Where a country would choose a rate, it must be known (rule 27)."""
    with pytest.raises(CountryMissing):
        treatment((GERMANY,), Taxpayer(), None)
    with pytest.raises(CountryMissing):
        treatment((BOOKS,), Taxpayer(), "books")
    assert treatment((), Taxpayer(), None) == Treatment()
    assert treatment((BOOKS,), Taxpayer(), None) == Treatment()  # which no country would have taxed


@pytest.mark.parametrize(("kind", "category"), [("exempt", "E"), ("reverse_charge", "AE")])
def test_a_relieved_customer_pays_no_tax_and_says_why(kind: str, category: str) -> None:
    """Zero with its category and reason, and the net of an inclusive price (rule 27)."""
    treated = treatment(RATES, Taxpayer(None, None, kind, "because"), None)
    assert treated == Treatment((), category, treated.name, "because")
    assert treatment((BRITAIN,), Taxpayer("GB", None, kind), None).relieved == 20
    assert treatment((BRITAIN,), Taxpayer("DE", None, kind), None).relieved == 0
    with pytest.raises(CountryMissing):
        treatment((BRITAIN,), Taxpayer(None, None, kind), None)


def test_inclusive_and_exclusive_do_not_mix_on_a_line() -> None:
    with pytest.raises(MixedRates):
        treatment((BRITAIN, TaxRate("x", "x", "Levy", Decimal(1), country="GB")), Taxpayer("GB"), None)


def test_tax_is_rounded_per_rate_and_then_shared() -> None:
    """T15: three lines of 0.01 at 19 percent are 0.01 (0.0057) and not three times nothing."""
    lines = amounts("0.01", "0.01", "0.01")
    found = taxed(lines, lines, [Treatment((GERMANY,))] * 3, USD)
    assert found.tax == tuple(amounts("0.01", "0.00", "0.00"))
    [tax] = found.taxes
    assert (tax.taxable, tax.amount, tax.category) == (Decimal("0.03"), Decimal("0.01"), "S")


def test_seven_lines_of_fourteen_cents() -> None:
    """T15: 0.98 at 19 percent is 0.1862, so 0.19: 0.0271 each, two lines more at 3 cents than without the rest."""
    lines = amounts(*["0.14"] * 7)
    found = taxed(lines, lines, [Treatment((GERMANY,))] * 7, USD)
    assert found.tax == tuple(amounts("0.03", "0.03", "0.03", "0.03", "0.03", "0.02", "0.02"))
    assert found.taxes[0].amount == Decimal("0.19")


def test_several_rates_each_work_on_the_net() -> None:
    """100.00 in Quebec: 5.00 and 9.98 (9.975, half away from zero)."""
    found = taxed(amounts("100.00"), amounts("100.00"), [Treatment((QUEBEC, QUEBEC_TOO))], USD)
    assert [tax.amount for tax in found.taxes] == amounts("5.00", "9.98")
    assert found.tax == (Decimal("14.98"),)


def test_tax_is_on_what_discounts_leave() -> None:
    found = taxed(amounts("10.00", "5.00"), amounts("9.00", "0.00"), [Treatment((GERMANY,))] * 2, USD)
    assert (found.net, found.left) == (tuple(amounts("10.00", "5.00")), tuple(amounts("9.00", "0.00")))
    assert found.tax == tuple(amounts("1.71", "0.00"))


def test_an_inclusive_price_is_taken_apart() -> None:
    """Three lines of 9.99 at 20 percent in them: 29.97 is 24.98 (24.975) and 4.99; nets 8.33, 8.33, 8.32."""
    lines = amounts("9.99", "9.99", "9.99")
    found = taxed(lines, lines, [Treatment((BRITAIN,))] * 3, USD)
    assert found.net == found.left == tuple(amounts("8.33", "8.33", "8.32"))
    assert found.tax == tuple(amounts("1.66", "1.66", "1.67"))
    [tax] = found.taxes
    assert (tax.taxable, tax.amount) == (Decimal("24.98"), Decimal("4.99"))


def test_discounts_of_an_inclusive_price_work_on_the_gross() -> None:
    """12.00 less 1.20: net 10.00 before and 9.00 after, so the discount is 1.00."""
    found = taxed(amounts("12.00"), amounts("10.80"), [Treatment((BRITAIN,))], USD)
    assert (found.net, found.left, found.tax) == ((Decimal("10.00"),), (Decimal("9.00"),), (Decimal("1.80"),))


def test_several_inclusive_rates_count_as_their_sum() -> None:
    """115.00 with 10 and 5 percent in it: 100.00, and 15.00 shared as 10.00 and 5.00."""
    ten = TaxRate("t", "ten", "Ten", Decimal(10), inclusive=True)
    five = TaxRate("f", "five", "Five", Decimal(5), inclusive=True)
    found = taxed(amounts("115.00"), amounts("115.00"), [Treatment((ten, five))], USD)
    assert found.left == (Decimal("100.00"),)
    assert [(tax.key, tax.taxable, tax.amount) for tax in found.taxes] == [
        ("ten", Decimal("100.00"), Decimal("10.00")), ("five", Decimal("100.00"), Decimal("5.00")),
    ]


def test_currencies_round_by_their_own_decimals() -> None:
    lines = [Treatment((GERMANY,))]
    assert taxed(amounts("50"), amounts("50"), lines, JPY).tax == (Decimal(10),)  # 9.5
    assert taxed(amounts("0.050"), amounts("0.050"), lines, KWD).tax == (Decimal("0.010"),)  # 0.0095
    assert taxed(amounts("120"), amounts("120"), [Treatment((BRITAIN,))], JPY).left == (Decimal(100),)


def test_what_bears_no_tax_is_told_with_its_category() -> None:
    """Each category in a row of its own, beside what is taxed."""
    exempt = Treatment((), "E", "Exempt", "A museum")
    lines = amounts("10.00", "20.00", "30.00")
    found = taxed(lines, lines, [exempt, Treatment((GERMANY,)), exempt], USD)
    assert [(tax.category, tax.rate, tax.taxable, tax.amount, tax.reason) for tax in found.taxes] == [
        ("E", None, Decimal("40.00"), Decimal("0.00"), "A museum"), ("S", "d", Decimal("20.00"), Decimal("3.80"), None),
    ]
    assert taxed(lines, lines, [Treatment()] * 3, USD).taxes == ()
