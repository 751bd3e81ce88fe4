"""Currencies are those of ISO 4217 with a minor unit, by their exact code."""

from collections import Counter

import pytest

from farthing.pricing.currencies import CURRENCIES, UnknownCurrency, currency


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("GBP", 2),
        ("INR", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("XOF", 0),
        ("XPF", 0),
    ],
)
def test_decimals_are_those_of_iso_4217(code: str, decimals: int) -> None:
    assert currency(code).decimals == decimals
    assert currency(code).code == code


def test_the_dinars_and_units_of_account_have_more_than_two() -> None:
    """Every currency that has neither 0 nor 2 decimals, and how many there are of each."""
    unusual = {code: each.decimals for code, each in CURRENCIES.items() if each.decimals not in (0, 2)}
    dinars = dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    assert unusual == dinars | {"CLF": 4, "UYW": 4}
    assert Counter(each.decimals for each in CURRENCIES.values()) == {2: 139, 0: 17, 3: 7, 4: 2}


def test_the_list_is_well_formed() -> None:
    for code, each in CURRENCIES.items():
        assert len(code) == 3
        assert code.isascii()
        assert code.isupper()
        assert each.name == each.name.strip() != ""


@pytest.mark.parametrize(
    "code", ["usd", "", "XXX", "XTS", "XAU", "XDR", "BGN", "HRK", "US", "USDD", " USD", "$"]
)
def test_a_code_that_is_no_currency_is_refused(code: str) -> None:
    """T13: no metals, no test codes, no retired currencies, no small letters."""
    with pytest.raises(UnknownCurrency, match="expected an ISO 4217 code"):
        currency(code)
