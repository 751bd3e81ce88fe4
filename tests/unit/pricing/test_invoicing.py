"""From a boundary to the lines of an invoice (rules 2, 10, 19 and 25)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing import invoicing
from farthing.pricing.aggregation import Aggregation, Point
from farthing.pricing.agreements import Agreement, Terms, usage_segments
from farthing.pricing.arithmetic import EXACT, exactly, total
from farthing.pricing.boundaries import Boundary, Part
from farthing.pricing.calendar import Period
from farthing.pricing.checks import check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import (
    Line,
    QuantityMissing,
    fee_rating,
    one_off_line,
    one_off_rating,
    spanned,
)
from farthing.pricing.prices import Billing, Flat, Graduated, PerUnit, Price, Tier
from farthing.pricing.rating import GroupRating, rate_metered
from farthing.pricing.totalling import totals

USD = currency("USD")
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
NOVEMBER = Period(OCTOBER.end, datetime(2026, 12, 1, tzinfo=UTC))
WHOLE_OCTOBER, WHOLE_NOVEMBER = Part(OCTOBER, 31, 31), Part(NOVEMBER, 30, 30)
BASE = Price("base", "Base fee", Flat(Decimal("10.00")), None, Billing.IN_ADVANCE)
SUPPORT = Price("support", "Support", Flat(Decimal("5.00")), None, Billing.IN_ARREARS)
SEATS = Price("seats", "Seats", PerUnit(Decimal("2.50")), None, Billing.IN_ADVANCE)
CALLS = Price("calls", "Calls", PerUnit(Decimal("0.10")), "calls", Billing.IN_ARREARS, group_by=("region",))
TEXTS = Price("texts", "Texts", PerUnit(Decimal("0.01")), "texts", Billing.IN_ARREARS)


def boundary_lines(
    prices: Sequence[Price], quantities: Mapping[str, Decimal], boundary: Boundary,
    usage: Mapping[str, tuple[GroupRating, ...]],
) -> tuple[Line, ...]:
    """The lines of a subscription that never changes."""
    terms = Terms("plan@1", tuple(prices), quantities)
    agreement = Agreement(((OCTOBER.start, terms),), ZoneInfo("UTC"))
    segments = [] if boundary.used is None else usage_segments(agreement, boundary.used)
    return invoicing.boundary_lines(agreement, boundary, [(one, usage[one.price.key]) for one in segments], USD)


def boundary_at(at: datetime, ended: Part | None, started: Part | None) -> Boundary:
    return Boundary(at, ended, ended, started, None if started is None else started.period.end)


def used(price: Price, *quantities: tuple[str | None, str]) -> tuple[GroupRating, ...]:
    """The ratings of October for these groups and quantities."""
    points = [
        Point(OCTOBER.start, "", str(number), Decimal(quantity), {"region": region})
        for number, (region, quantity) in enumerate(quantities)
    ]
    return rate_metered(price, Aggregation.SUM, points, OCTOBER, USD)


def lines_at(
    boundary: Boundary, usage: Mapping[str, tuple[GroupRating, ...]], *prices: Price
) -> list[tuple[str, str | None, str, Period | None]]:
    lines = boundary_lines(prices, {"seats": Decimal(3)}, boundary, usage)
    return [(line.reason, line.price, str(line.amount), line.period) for line in lines]


def test_lines_stand_in_order() -> None:
    """Usage, then fees in arrears, each in the plan's order of prices; then fees in advance (rule 19)."""
    usage = {"calls": used(CALLS, ("eu", "2"), (None, "3")), "texts": used(TEXTS, (None, "100"))}
    prices = (BASE, TEXTS, SUPPORT, SEATS, CALLS)
    assert lines_at(boundary_at(NOVEMBER.start, WHOLE_OCTOBER, WHOLE_NOVEMBER), usage, *prices) == [
        ("usage", "texts", "1.00", OCTOBER), ("usage", "calls", "0.20", OCTOBER), ("usage", "calls", "0.30", OCTOBER),
        ("fee", "support", "5.00", OCTOBER), ("fee", "base", "10.00", NOVEMBER), ("fee", "seats", "7.50", NOVEMBER),
    ]


def test_the_first_day_has_fees_in_advance_alone() -> None:
    """No period ends there (rule 25)."""
    assert lines_at(boundary_at(OCTOBER.start, None, WHOLE_OCTOBER), {}, BASE, SUPPORT, CALLS) == [
        ("fee", "base", "10.00", OCTOBER),
    ]


def test_the_end_has_no_fees_in_advance() -> None:
    """No period starts there (rule 25)."""
    usage = {"calls": used(CALLS, ("eu", "1"))}
    assert lines_at(boundary_at(OCTOBER.end, WHOLE_OCTOBER, None), usage, BASE, SUPPORT, CALLS) == [
        ("usage", "calls", "0.10", OCTOBER), ("fee", "support", "5.00", OCTOBER),
    ]


@pytest.mark.parametrize(("quantity", "unit", "made"), [
    ("0", "0.10", False), ("5", "0", True), ("0.001", "0.10", True), ("-5", "0.10", True),
])
def test_a_line_is_made_when_amount_or_metered_quantity_is_not_zero(quantity: str, unit: str, made: bool) -> None:
    """Also one that costs nothing (rule 25), as a negative quantity does (rule 4)."""
    price = Price("calls", "Calls", PerUnit(Decimal(unit)), "calls", Billing.IN_ARREARS)
    usage = {"calls": used(price, (None, quantity))}
    assert bool(lines_at(boundary_at(OCTOBER.end, WHOLE_OCTOBER, None), usage, price)) is made


def test_a_fee_of_nothing_makes_no_line() -> None:
    """Neither a free fee nor no seats at all (rule 25)."""
    free = Price("free", "Free", Flat(Decimal("0.00")), None, Billing.IN_ADVANCE)
    boundary = boundary_at(OCTOBER.start, None, WHOLE_OCTOBER)
    assert boundary_lines([free, SEATS], {"seats": Decimal(0)}, boundary, {}) == ()


def test_a_price_without_a_meter_needs_its_quantity() -> None:
    """But a flat one, whose quantity is 1 (rule 10)."""
    with pytest.raises(QuantityMissing, match="seats"):
        fee_rating(SEATS, {}, USD)
    assert fee_rating(BASE, {}, USD).quantity == 1


def test_a_unit_amount_is_shown_where_it_is_one_figure() -> None:
    free = Price("free", "F", PerUnit(Decimal(1), Decimal(1)), None, Billing.IN_ADVANCE)
    tiers = Price("tiers", "T", Graduated((Tier(None, Decimal("0.1")),)), None, Billing.IN_ADVANCE)
    quantities = dict.fromkeys(("seats", "free", "tiers"), Decimal(3))
    first_day = boundary_at(OCTOBER.start, None, WHOLE_OCTOBER)
    lines = boundary_lines([BASE, SEATS, free, tiers], quantities, first_day, {})
    shown = {line.price: line.unit_amount for line in lines}
    assert shown == {"base": Decimal("10.00"), "seats": Decimal("2.50"), "free": None, "tiers": None}


def test_groups_are_named_in_the_description() -> None:
    usage = {"calls": used(CALLS, ("eu", "1"), (None, "1"))}
    lines = boundary_lines([CALLS], {}, boundary_at(OCTOBER.end, WHOLE_OCTOBER, None), usage)
    assert [line.description for line in lines] == ["Calls (region eu)", "Calls (region none)"]


def test_an_invoice_spans_its_lines() -> None:
    """From the first start to the last end (rule 25); lines by hand have no period."""
    line = Line("a", "a", (), OCTOBER, Decimal(1), None, Decimal(1), "fee")
    later = Line("b", "b", (), NOVEMBER, Decimal(1), None, Decimal(1), "fee")
    assert spanned([later, line]) == Period(OCTOBER.start, NOVEMBER.end)
    assert spanned([one_off_line("c", Decimal(1), Decimal(1), USD)]) is None


def test_a_line_by_hand_is_rounded_once() -> None:
    """Half away from zero (rule 2); its explanation has what was before."""
    rating = one_off_rating(Decimal("1.5"), Decimal("0.33333"), USD)
    assert (rating.exact, rating.amount) == (Decimal("0.499995"), Decimal("0.50"))
    assert [step.amount for step in rating.steps] == [rating.exact]


amounts = st.decimals(0, 10**12, places=2)


@given(st.lists(amounts, max_size=30))
def test_totals_are_exact_sums(given_amounts: list[Decimal]) -> None:
    """However many lines there are (I5); an invoice made so passes the last look."""
    lines = [one_off_line(str(place), Decimal(1), amount, USD) for place, amount in enumerate(given_amounts)]
    found = totals(lines)
    with exactly():
        assert found.total == found.subtotal == sum(given_amounts, Decimal(0))
    check_invoice(lines, found, USD)


@given(quantity=st.decimals("0.001", 10**6, places=3), unit_amount=st.decimals(0, 10**4, places=6))
def test_rounding_moves_a_line_by_half_a_cent_at_most(quantity: Decimal, unit_amount: Decimal) -> None:
    """And never the other way (rule 2)."""
    line = one_off_line("a", quantity, unit_amount, USD)
    difference = EXACT.subtract(line.amount, EXACT.multiply(quantity, unit_amount))
    assert Decimal("-0.005") < difference <= Decimal("0.005")


@pytest.mark.parametrize(("days", "of", "amount"), [
    (17, 31, "5.48"), (1, 31, "0.32"), (30, 31, "9.68"), (31, 31, "10.00"),
])
def test_a_fee_for_some_days_of_a_period(days: int, of: int, amount: str) -> None:
    """Its days' share of the whole fee, rounded once, and the steps say so (rules 2 and 13)."""
    [line] = boundary_lines([BASE], {}, boundary_at(OCTOBER.start, None, Part(OCTOBER, days, of)), {})
    assert (str(line.amount), line.prorated) == (amount, None if days == of else (days, of))
    rating = fee_rating(BASE, {}, USD, days, of)
    assert rating.exact == total(step.amount for step in rating.steps) == Fraction(10 * days, of)


def test_a_fee_without_prorate_is_charged_whole() -> None:
    """For each period in which it has a day (rule 13)."""
    whole = replace(BASE, prorate=False)
    [line] = boundary_lines([whole], {}, boundary_at(OCTOBER.start, None, Part(OCTOBER, 1, 31)), {})
    assert (str(line.amount), line.prorated) == ("10.00", None)


def test_minimum_and_maximum_shrink_with_a_partial_period() -> None:
    """Where the price has `prorate`; tiers and free units never do (rule 9)."""
    price = replace(TEXTS, minimum=Decimal("31.00"), maximum=Decimal("62.00"))
    for quantity, prorate, amount in (("0", True, "10.00"), ("9999", True, "20.00"), ("0", False, "31.00")):
        points = [Point(OCTOBER.start, "", "1", Decimal(quantity), {})]
        [one] = rate_metered(
            replace(price, prorate=prorate), Aggregation.SUM, points, OCTOBER, USD, (), Fraction(10, 31)
        )
        assert str(one.rating.amount) == amount


@given(days=st.integers(1, 31), amount=st.integers(0, 10**9))
def test_the_days_of_a_period_sum_to_its_fee(days: int, amount: int) -> None:
    """Exactly, before each is rounded (rule 13)."""
    price = replace(BASE, charge=Flat(Decimal(amount).scaleb(-2)))
    parts = [fee_rating(price, {}, USD, part, 31).exact for part in (days, 31 - days)]
    assert total(parts) == Decimal(amount).scaleb(-2)
