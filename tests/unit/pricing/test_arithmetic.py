"""Numbers come in exactly or not at all, and one function rounds."""

import time
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.arithmetic import (
    EXACT,
    NotADecimal,
    TooManyDecimals,
    amount_from,
    decimal_from,
    exactly,
    from_minor,
    minus,
    money,
    plain,
    plus,
    rounded,
    times,
    to_minor,
    total,
)
from farthing.pricing.currencies import Currency, currency
from tests.unit.pricing.strategies import numbers

JPY, USD, KWD = currency("JPY"), currency("USD"), currency("KWD")


@pytest.mark.parametrize("text", ["1e30", "1e-30", "9.99e30", "-1E+30", "0e30", "1e0000030", "12e30"])
def test_the_border_of_what_passes(text: str) -> None:
    """T02: the written exponent may be as large as 30."""
    assert Fraction(decimal_from(text)) == Fraction(text)


@pytest.mark.parametrize("text", ["1e999", "1e31", "1e-31", "0e31", "1e-999", "10e-32", "123456789e30"])
def test_beyond_the_border_is_refused(text: str) -> None:
    """T02: not `inf`, not zero, not a number that nobody can write out."""
    with pytest.raises(NotADecimal, match="expected"):
        decimal_from(text)


def test_closer_to_zero_than_the_border_is_refused_however_it_is_spelled() -> None:
    """1e-31 is refused; so is the same number without an exponent, while 1e-30 passes."""
    tiny = "0." + "0" * 29 + "1"
    assert decimal_from(tiny) == decimal_from("1e-30")
    with pytest.raises(NotADecimal, match="closer to zero"):
        decimal_from("0." + "0" * 30 + "1")


BOMBS = [
    "1e999999999",
    "-1e-999999999",
    "0e999999999",
    "1" + "0" * 300_000,
    "0." + "0" * 300_000,
    "1e" + "9" * 300_000,
]


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:12])
def test_a_decimal_bomb_is_refused_at_once(text: str) -> None:
    """T03: under 50 ms, and the message does not repeat it."""
    begin = time.perf_counter()
    with pytest.raises(NotADecimal) as refusal:
        decimal_from(text)
    assert time.perf_counter() - begin < 0.05
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890123456789012345678",
        "-99999999999999999999999999999999999999",
        "0.12345678901234567890123456789012345678",
        "123456789012345678.90123456789012345678",
        "10000000000000000000000000000000000000",
    ],
)
def test_38_significant_digits_come_back_digit_for_digit(text: str) -> None:
    """T04: also where the number is far larger than 1e30."""
    assert plain(decimal_from(text)) == text


@pytest.mark.parametrize(
    "text", ["1" * 39, "0." + "1" * 39, "1" * 20 + "." + "1" * 19, "1." + "0" * 38, "9" * 5000]
)
def test_39_significant_digits_are_refused(text: str) -> None:
    """T04: Python itself raises something else above 4,300 digits."""
    with pytest.raises(NotADecimal, match="38 significant digits"):
        decimal_from(text)


def test_a_bare_integer_beyond_64_bits_is_exact() -> None:
    """T06: 9223372036854775808, 18446744073709551616 and their sum."""
    assert plain(plus(decimal_from("9223372036854775808"), decimal_from("18446744073709551616"))) == (
        "27670116110564327424"
    )


@pytest.mark.parametrize(
    "text",
    [
        "١٢",
        "1_000",
        " 1 ",
        "+1",
        "1.",
        ".5",
        "0x10",
        "1,5",
        "",
        "true",
        "null",
        "1 ",
        "1\n",
        "-",
        "NaN",
        "Infinity",
        "-inf",
        "sNaN",
        "01",
        "-01",
        "00",
        "1e",
        "1e+",
        "e5",
        "1.5.1",
        "--1",
        "1e1.5",
        "\uff11",
        "1\u0000",
    ],
)
def test_another_form_is_refused_with_the_expected_one(text: str) -> None:
    """T09: `Decimal` itself would take the first six."""
    with pytest.raises(NotADecimal, match="expected digits such as"):
        decimal_from(text)


@pytest.mark.parametrize("text", ["-0", "-0.00", "-0e5", "0"])
def test_minus_zero_comes_out_as_zero(text: str) -> None:
    """T14: `Decimal` keeps the sign of zero."""
    assert not decimal_from(text).is_signed()
    assert plain(decimal_from(text)) == "0"


def test_a_long_text_is_cut_in_the_message() -> None:
    error = NotADecimal("x" * 1000, "expected digits")
    assert str(error) == f"'{'x' * 40}...' is not a number we take: expected digits."


@given(number=numbers())
def test_whatever_comes_in_comes_back(number: Decimal) -> None:
    """The canonical text of a number is the number, and is taken again (rule 1)."""
    text = plain(number)
    assert decimal_from(text) == number
    assert Fraction(text) == Fraction(number)
    assert plain(decimal_from(text)) == text


@given(st.text(alphabet="0123456789.eE+-_ \n٣", max_size=30))
def test_a_text_is_a_number_or_is_refused(text: str) -> None:
    """Nothing but NotADecimal comes out of a bad text, and what passes is what Python's fractions read."""
    try:
        number = decimal_from(text)
    except NotADecimal:
        return
    assert Fraction(number) == Fraction(text)


def test_ten_tenths_are_one() -> None:
    """T05: `0.1` is one tenth, and a number with 34 decimals comes back unchanged (rule 1)."""
    assert plain(total([decimal_from("0.1")] * 10)) == "1"
    assert (
        plain(decimal_from("0.1000000000000000055511151231257827")) == "0.1000000000000000055511151231257827"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+30"), "1" + "0" * 30),
        (Decimal("0.10"), "0.1"),
        (Decimal("100"), "100"),
        (Decimal("-12.300"), "-12.3"),
        (Decimal("0E+10"), "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E-7"), "0.0000001"),
        (Fraction(1, 3), "0.333333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(-2, 3), "-0.666666666667"),
        (Fraction(1, 2**20), "0.00000095367431640625"),
        (Fraction(1, 3 * 10**13), "0"),
        (Fraction(-1, 3 * 10**13), "0"),
        (Fraction(3, 6 * 10**12 + 3), "0"),
        (Fraction(7), "7"),
    ],
)
def test_the_canonical_text(value: Decimal | Fraction, text: str) -> None:
    """A fraction that ends is given whole, another to 12 decimals."""
    assert plain(value) == text


def test_losing_a_digit_raises() -> None:
    """Python's own context drops digits without a word; ours raises (rule 1)."""
    a, b = Decimal("1e300"), Decimal("1e-300")
    assert a + b == a, "the default context says nothing"
    with exactly(), pytest.raises(Inexact):
        a + b
    with exactly(), pytest.raises(Inexact):
        Decimal(1) / Decimal(3)
    with exactly(), pytest.raises((Inexact, Overflow)):
        Decimal("1e600") * Decimal("1e600")
    with exactly(), pytest.raises(Inexact):
        Decimal("1e-900") * Decimal("1.00000001e-500")
    with exactly(), pytest.raises(DivisionByZero):
        Decimal(1) / Decimal(0)
    with exactly(), pytest.raises(InvalidOperation):
        Decimal("sNaN") + 1


def test_a_binary_float_does_not_get_in() -> None:
    """Neither as a value nor by comparison (rule 1)."""
    with exactly(), pytest.raises(FloatOperation):
        Decimal(float("0.5"))
    with exactly(), pytest.raises(FloatOperation):
        _ = Decimal("0.5") < float("0.7")


def test_the_block_leaves_the_context_as_it_was() -> None:
    with localcontext(Context(prec=7)) as mine:
        with exactly() as ours:
            assert ours.prec == EXACT.prec
            assert ours is not EXACT, "a shared context could be changed by its user"
        assert Decimal(1) / Decimal(3) == Decimal("0.3333333")
        assert mine.prec == 7


@given(st.lists(numbers(), max_size=30), numbers(), numbers())
def test_no_lawful_input_overflows(parts: list[Decimal], one: Decimal, other: Decimal) -> None:
    """Sums, and products of three, of the largest and the smallest numbers are exact, in any context."""
    with localcontext(Context(prec=3)):
        product = times(times(total(parts), one), other)
        difference = minus(product, one)
    assert Fraction(product) == sum(map(Fraction, parts)) * Fraction(one) * Fraction(other)
    assert Fraction(difference) == Fraction(product) - Fraction(one)


def test_millions_of_extreme_numbers_sum_exactly() -> None:
    """Ten million events of either extreme, added up and multiplied by extreme prices (rule 1)."""
    huge, tiny = decimal_from("9" * 38), decimal_from("1." + "0" * 36 + "1e-30")
    with exactly():
        summed = huge * 10**7 + tiny * 10**7
        assert Fraction(summed * huge * tiny) == (Fraction(huge) + Fraction(tiny)) * 10**7 * Fraction(
            huge
        ) * Fraction(tiny)


@given(numbers(), st.fractions())
def test_decimals_and_fractions_mix(one: Decimal, other: Fraction) -> None:
    assert times(one, other) == Fraction(one) * other == times(other, one)
    assert plus(one, other) == Fraction(one) + other == plus(other, one)
    assert minus(one, other) == Fraction(one) - other
    assert minus(other, one) == other - Fraction(one)


@pytest.mark.parametrize(
    ("exact", "unit", "text"),
    [
        (Decimal("0.005"), USD, "0.01"),
        (Decimal("-0.005"), USD, "-0.01"),
        (Decimal("0.0049999999"), USD, "0.00"),
        (Decimal("-0.0049"), USD, "0.00"),
        (Decimal("2.675"), USD, "2.68"),
        (Decimal("0.145"), USD, "0.15"),
        (Fraction(1, 3), USD, "0.33"),
        (Fraction(-2, 3), USD, "-0.67"),
        (Decimal("0.5"), JPY, "1"),
        (Decimal("1.5"), JPY, "2"),
        (Decimal("2.5"), JPY, "3"),
        (Decimal("-2.5"), JPY, "-3"),
        (Decimal("1229.5"), JPY, "1230"),
        (Decimal("1.2295"), KWD, "1.230"),
        (Decimal("12.3"), USD, "12.30"),
        (Decimal("1E+3"), USD, "1000.00"),
    ],
)
def test_half_away_from_zero_at_the_currencys_decimals(
    exact: Decimal | Fraction, unit: Currency, text: str
) -> None:
    """JPY 0, USD 2, KWD 3 decimals; never to even, never through a binary fraction (rule 2)."""
    amount = rounded(exact, unit)
    assert str(amount) == text


@given(st.one_of(numbers(), st.fractions()), st.sampled_from((JPY, USD, KWD)))
def test_rounding_goes_to_the_nearest_and_away_from_zero(exact: Decimal | Fraction, unit: Currency) -> None:
    """At most half a minor unit away, exactly half only away from zero, symmetric (rule 2)."""
    minor = Fraction(exact) * 10**unit.decimals
    units = Fraction(rounded(exact, unit)) * 10**unit.decimals
    assert units.denominator == 1
    assert abs(units - minor) <= Fraction(1, 2)
    if abs(units - minor) == Fraction(1, 2):
        assert abs(units) > abs(minor)
    assert rounded(-Fraction(exact), unit) == rounded(exact, unit).copy_negate()  # `-` would drop digits here


@pytest.mark.parametrize(
    ("amount", "unit", "text", "units"),
    [
        ("12.3", USD, "12.30", 1230),
        ("1230", JPY, "1230", 1230),
        ("1.23", KWD, "1.230", 1230),
        ("0", USD, "0.00", 0),
        ("-0.05", USD, "-0.05", -5),
        ("1e3", JPY, "1000", 1000),
    ],
)
def test_money_has_its_currencys_decimals(amount: str, unit: Currency, text: str, units: int) -> None:
    assert money(Decimal(amount), unit) == text
    assert to_minor(Decimal(amount), unit) == units
    assert from_minor(units, unit) == Decimal(amount)
    assert str(amount_from(amount, unit)) == text


def test_money_that_was_not_rounded_is_refused() -> None:
    """Nothing rounds but the line: showing an amount never does."""
    with pytest.raises(TooManyDecimals, match=r"0\.005 has too many decimals: USD has 2"):
        money(Decimal("0.005"), USD)
    with pytest.raises(TooManyDecimals):
        to_minor(Decimal("0.5"), JPY)


@pytest.mark.parametrize(
    ("text", "unit"), [("12.30", JPY), ("1.2345", USD), ("1.000", USD), ("0.0", JPY), ("1e-3", USD)]
)
def test_an_amount_written_finer_than_its_currency_is_refused(text: str, unit: Currency) -> None:
    """T13: also where the decimals too many are zeros."""
    with pytest.raises(TooManyDecimals):
        amount_from(text, unit)


def test_an_amount_as_fine_as_its_currency_passes() -> None:
    """T13: "1.230" is three decimals of a dinar."""
    assert str(amount_from("1.230", KWD)) == "1.230"
    with pytest.raises(NotADecimal):
        amount_from("1.2x", KWD)
