"""What the last look at an invoice refuses (rules 2, 4, 19 and 25; I4, I5)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from farthing.pricing.calendar import Period
from farthing.pricing.checks import LARGEST, Billed, UnsoundInvoice, check_invoice, check_once
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, Totals
from farthing.pricing.totalling import totals

USD, JPY = currency("USD"), currency("JPY")
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
NOVEMBER = Period(OCTOBER.end, datetime(2026, 12, 1, tzinfo=UTC))
CALLS = Line("Calls", "calls", ("eu",), OCTOBER, Decimal(3), None, Decimal("0.30"), "usage")
SETUP = Line("Setup", None, (), None, Decimal(1), Decimal("5.00"), Decimal("5.00"), "one_off")
ZERO = Decimal(0)


def test_a_sound_invoice_passes() -> None:
    """Groups, periods and reasons tell lines of one price apart, and lines by hand need nothing to."""
    lines = [
        CALLS, replace(CALLS, group=("us",)), replace(CALLS, group=(None,)), replace(CALLS, period=NOVEMBER),
        replace(CALLS, reason="fee"), SETUP, SETUP,
    ]
    check_invoice(lines, totals(lines), USD)
    check_invoice([], totals([]), USD)


@pytest.mark.parametrize("period", [OCTOBER, Period(datetime(2026, 10, 31, tzinfo=UTC), NOVEMBER.end)])
def test_a_price_is_billed_once_for_a_day(period: Period) -> None:
    """For the same period, or one that overlaps it (rule 25, I4)."""
    lines = [CALLS, replace(CALLS, period=period)]
    with pytest.raises(UnsoundInvoice, match="calls would be billed twice"):
        check_invoice(lines, totals(lines), USD)


@pytest.mark.parametrize("wrong", [
    Totals(Decimal("0.31"), ZERO, ZERO, Decimal("0.31")),  # not the sum of the lines
    Totals(Decimal("0.30"), ZERO, ZERO, Decimal("0.29")),
    Totals(Decimal("0.30"), Decimal("0.10"), ZERO, Decimal("0.30")),
    Totals(Decimal("0.30"), ZERO, Decimal("0.05"), Decimal("0.30")),
    Totals(Decimal("0.30"), Decimal("0.40"), ZERO, Decimal("-0.10")),
])
def test_sums_hold(wrong: Totals) -> None:
    """Of rule 19's figures (I5)."""
    with pytest.raises(UnsoundInvoice):
        check_invoice([CALLS], wrong, USD)


@pytest.mark.parametrize(("amount", "unit"), [("0.305", USD), ("0.5", JPY), ("-0.01", USD)])
def test_amounts_are_the_currencys(amount: str, unit: object) -> None:
    """Rounded to its own decimals (rule 2), and none below zero (rule 4)."""
    lines = [replace(CALLS, amount=Decimal(amount)), replace(CALLS, group=("us",), amount=Decimal(7))]
    with pytest.raises(UnsoundInvoice):
        check_invoice(lines, totals(lines), USD if unit is USD else JPY)


def test_the_books_hold_it() -> None:
    """Eighteen digits of minor units and more, to the last one."""
    largest = replace(CALLS, amount=LARGEST.scaleb(-2))
    check_invoice([largest], totals([largest]), USD)
    for lines in ([replace(CALLS, amount=(LARGEST + 1).scaleb(-2))], [largest, replace(CALLS, group=("us",))]):
        with pytest.raises(UnsoundInvoice, match="more than an invoice can hold"):
            check_invoice(lines, totals(lines), USD)


@pytest.mark.parametrize("period", [OCTOBER, Period(datetime(2026, 10, 31, tzinfo=UTC), NOVEMBER.end)])
def test_what_another_invoice_bills_is_not_billed_again(period: Period) -> None:
    """The refusal names both lines (rule 25, I4)."""
    other = Billed("invoice INV-2026-000007", "calls", ("eu",), "usage", period)
    with pytest.raises(UnsoundInvoice) as refused:
        check_once([SETUP, CALLS], [other])
    assert str(refused.value) == (
        "calls would be billed twice: by the usage line (eu) from 2026-10-01T00:00:00+00:00 to "
        f"2026-11-01T00:00:00+00:00 on this invoice and by the usage line (eu) from {period.start.isoformat()} to "
        f"{period.end.isoformat()} on invoice INV-2026-000007."
    )


def test_other_prices_groups_reasons_and_times_are_no_repeat() -> None:
    """Nor is what stands corrected by a line that is no charge (rule 25)."""
    other = Billed("invoice INV-2026-000007", "calls", ("eu",), "usage", OCTOBER)
    apart = [
        replace(other, price="seats"), replace(other, group=("us",)), replace(other, reason="fee"),
        replace(other, period=NOVEMBER),
    ]
    check_once([CALLS], apart)
    check_once([replace(CALLS, reason="late_usage")], [replace(other, reason="late_usage")])
