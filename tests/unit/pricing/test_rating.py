"""From a price and its usage to the amount of a line."""

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import Aggregation, OutsidePeriod, Point
from farthing.pricing.arithmetic import Exact
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.currencies import currency
from farthing.pricing.prices import (
    Billing,
    Cell,
    Charge,
    Dynamic,
    Flat,
    Graduated,
    GraduatedPercentage,
    Matrix,
    Package,
    Percentage,
    PerUnit,
    Price,
    RateTier,
    Tier,
    Volume,
)
from farthing.pricing.rating import Group, Rating, Usage, rate, rate_metered, usage_of
from tests.unit.pricing.strategies import OCTOBER, amounts, points, quantities, tiers

D = Decimal
JPY, USD = currency("JPY"), currency("USD")
COUNT, SUM, WEIGHTED = Aggregation.COUNT, Aggregation.SUM, Aggregation.WEIGHTED_SUM


def metered(
    charge: Charge, group_by: tuple[str, ...] = (), minimum: str | None = None, **filter: str
) -> Price:
    only = {name: tuple(values.split()) for name, values in filter.items()}
    least = None if minimum is None else D(minimum)
    return Price("calls", "Calls", charge, "calls", Billing.IN_ARREARS, True, group_by, only, least)


def event(value: str | None, day: int = 1, **properties: str | None) -> Point:
    time = OCTOBER.start + timedelta(days=day - 1)
    return Point(time, "", f"{value} {properties}", None if value is None else D(value), properties)


def by_group(
    price: Price, aggregation: Aggregation, found: list[Point], earlier: tuple[Point, ...] = ()
) -> dict[Group, Decimal]:
    rated = rate_metered(price, aggregation, found, OCTOBER, USD, earlier)
    return {each.group: each.rating.amount for each in rated}


# one quantity


def test_the_line_rounds_once() -> None:
    """Three units at 0.005 are 0.015: `exact` keeps it, the amount is 0.02 (rule 2)."""
    rating = rate(metered(PerUnit(D("0.005"))), Usage(D(3)), USD)
    assert (str(rating.amount), rating.exact, rating.quantity) == ("0.02", D("0.015"), D(3))
    assert rate(metered(PerUnit(D("0.5"))), Usage(D(5)), JPY).amount == 3


def test_tiers_are_not_rounded_one_by_one() -> None:
    """Two tiers of 0.004 each are 0.008, hence 0.01 and not 0.00 (rule 2)."""
    table = (Tier(D(1), D("0.004")), Tier(None, D("0.004")))
    assert str(rate(metered(Graduated(table)), Usage(D(2)), USD).amount) == "0.01"


@pytest.mark.parametrize(
    "charge",
    [
        PerUnit(D(1)),
        Graduated((Tier(None, D(1), D(5)),)),
        Volume((Tier(None, D(1), D(5)),)),
        Package(D(10), D(5)),
        GraduatedPercentage((RateTier(None, D(1), D(5)),)),
        Percentage(D(1), D(5)),
        Matrix(("region",), (), D(1)),
    ],
    ids=lambda charge: charge.model,
)
def test_a_negative_quantity_prices_as_zero_units(charge: Charge) -> None:
    """But stays what was metered; a minimum still holds (rule 4)."""
    rating = rate(metered(charge), Usage(D(-3)), USD)
    assert (rating.amount, rating.exact, rating.quantity) == (D(0), D(0), D(-3))
    assert rate(metered(charge, minimum="2"), Usage(D(-3)), USD).amount == 2


def test_more_taken_back_than_used_is_zero_units() -> None:
    """And what one group took back does not pay for another (rule 4)."""
    price = metered(PerUnit(D(1)), ("region",))
    assert by_group(metered(PerUnit(D(1))), SUM, [event("2"), event("-5")]) == {(): 0}
    assert by_group(price, SUM, [event("2", region="eu"), event("-5", region="us")]) == {
        ("eu",): 2,
        ("us",): 0,
    }


def test_a_percentage_is_of_each_event_and_not_of_their_sum() -> None:
    """An event of less than zero costs nothing and takes nothing off the others (rule 8)."""
    assert by_group(metered(Percentage(D(10))), SUM, [event("100"), event("-500")]) == {(): 10}


def test_a_fixed_fee_takes_no_quantity() -> None:
    """It is a fee a period, of quantity 1 (rule 10)."""
    fee = Price("base", "Base", Flat(D("49.00")), None, Billing.IN_ADVANCE)
    for quantity in (D(0), D(1), D(7)):
        rating = rate(fee, Usage(quantity), USD)
        assert (str(rating.amount), rating.quantity) == ("49.00", D(1))


def test_seats_take_the_subscriptions_quantity() -> None:
    """A price without a meter is rated by a quantity from elsewhere (rule 10)."""
    seats = Price("seats", "Seats", PerUnit(D(5), D(1)), None, Billing.IN_ADVANCE)
    assert rate(seats, Usage(D(4)), USD).amount == 15


def test_a_minimum_is_a_step_of_its_own() -> None:
    """Of the whole period, after the model (rule 9)."""
    rating = rate(metered(PerUnit(D("0.1")), minimum="5.00"), Usage(D(10)), USD)
    assert rating.amount == 5
    assert [(step.amount, step.note) for step in rating.steps] == [
        (D(1), "10 at 0.1 each"),
        (D(4), "minimum 5.00 applies"),
    ]


@pytest.mark.parametrize(
    ("charge", "amount"),
    [
        (Percentage(D(10), D(1)), "11"),
        (Dynamic("cost"), "0"),
        (Matrix(("a",), (Cell((None,), D(2)),)), "200"),
    ],
    ids=lambda value: getattr(value, "model", ""),
)
def test_a_bare_quantity_is_one_event(charge: Charge, amount: str) -> None:
    """For models that look at each event; a quantity of zero is none."""
    assert rate(metered(charge), Usage(D(100)), USD).amount == D(amount)
    assert rate(metered(charge), Usage(D(100)), USD) == rate(metered(charge), usage_of([(D(100), {})]), USD)
    assert rate(metered(charge), Usage(D(0)), USD).steps == ()


def test_listed_events_keep_their_order() -> None:
    """The first of twelve is free, not the one whose name sorts first."""
    listed = usage_of([(D(n), {}) for n in range(1, 13)])
    assert listed.quantity == 78
    assert rate(metered(Percentage(D(100), free_events=1)), listed, USD).amount == 77


def test_rating_does_not_lean_on_the_context() -> None:
    """Fifty digits survive a caller who computes with five (rule 1)."""
    with localcontext(Context(prec=5)):
        rating = rate(metered(PerUnit(D("1.000000000000000000001"))), Usage(D("12345678901234567890")), USD)
    assert rating.exact == D("12345678901234567890.01234567890123456789")
    assert str(rating.amount) == "12345678901234567890.01"


# groups


def test_each_group_is_rated_by_itself() -> None:
    """Free units and the minimum once for each, values as text and null last (rule 10)."""
    price = metered(PerUnit(D(1), D(10)), ("region",), "3")
    found = [event("15", region="us"), event("11", region=None), event("10", region="eu"), event("5", day=2)]
    assert list(by_group(price, SUM, found).items()) == [(("eu",), D(3)), (("us",), D(5)), ((None,), D(6))]


def test_groups_have_a_value_for_each_property() -> None:
    found = [event("1", a="x", b="y"), event("2", a="x"), event("4", b="y"), event("8", a="x", b="y")]
    price = metered(PerUnit(D(1)), ("a", "b"))
    assert by_group(price, SUM, found) == {("x", "y"): 9, ("x", None): 2, (None, "y"): 4}


def test_without_events_there_is_no_group_and_no_minimum() -> None:
    """Without `group_by` there is one, and its minimum (rule 10)."""
    assert by_group(metered(PerUnit(D(1)), ("region",), "5"), SUM, []) == {}
    assert by_group(metered(PerUnit(D(1)), (), "5"), SUM, []) == {(): 5}
    assert by_group(metered(PerUnit(D(1))), SUM, []) == {(): 0}


def test_the_prices_own_filter_applies() -> None:
    """An event needs one of the values of each property; one without the property has none (rule 10)."""
    found = [
        event("1", region="eu", tier="pro"),
        event("2", region="us", tier="pro"),
        event("4", region="eu"),
        event("8"),
    ]
    assert by_group(metered(PerUnit(D(1)), region="eu us"), SUM, found) == {(): 7}
    assert by_group(metered(PerUnit(D(1)), region="eu", tier="pro free"), SUM, found) == {(): 1}
    assert by_group(metered(PerUnit(D(1)), ("region",), region="eu"), SUM, found) == {("eu",): 5}
    assert by_group(metered(PerUnit(D(1)), region="ap"), SUM, found) == {(): 0}


def test_a_matrix_is_one_line_with_a_step_for_each_combination() -> None:
    """Rounded once: twice 0.004 is a cent (rule 10)."""
    grid = Matrix(("region",), (Cell(("eu",), D("0.004")), Cell(("us",), D("0.002"))))
    found = [
        event("1", region="eu"),
        event("2", region="us"),
        event("9", region="us"),
        event("-9", region="us"),
    ]
    [each] = rate_metered(metered(grid), SUM, found, OCTOBER, USD)
    assert str(each.rating.amount) == "0.01"
    assert [(step.note, step.quantity) for step in each.rating.steps] == [
        ("region eu", D(1)),
        ("region us", D(2)),
    ]


def test_a_matrix_counts_or_sums() -> None:
    """With a `count` meter every event is one unit, whatever its value says (rule 8)."""
    grid = metered(Matrix(("region",), (), D(1)))
    found = [event("5", region="eu"), event(None, region="eu"), event("7")]
    assert by_group(grid, COUNT, found) == {(): 3}
    assert by_group(grid, SUM, found) == {(): 12}


def test_a_cell_below_zero_does_not_pay_for_another() -> None:
    """It is zero by itself (rule 8)."""
    grid = metered(Matrix(("region",), (), D(1)))
    assert by_group(grid, SUM, [event("5", region="eu"), event("-7", region="us")]) == {(): 5}


def test_usage_without_a_cell_is_never_free() -> None:
    """The combination is named, so that the subscription can be parked (rule 10)."""
    grid = metered(Matrix(("region", "tier"), (Cell(("eu", "pro"), D(1)),)))
    assert by_group(grid, SUM, [event("5", region="eu", tier="pro"), event(None, region="ap")]) == {(): 5}
    with pytest.raises(UnpricedUsage) as refusal:
        by_group(grid, SUM, [event("5", region="eu", tier="pro"), event("1", region="eu")])
    assert refusal.value.values == ("eu", None)


def test_a_percentage_and_a_dynamic_amount_are_grouped_too() -> None:
    """Allowances are each group's own (rule 10)."""
    found = [event("100", region=region, cost="0.5") for region in ("eu", "us")] + [
        event("100", 2, region="eu")
    ]
    share = metered(Percentage(D(10), free_events=1), ("region",))
    assert by_group(share, SUM, found) == {("eu",): 10, ("us",): 0}
    assert by_group(metered(Dynamic("cost"), ("region",)), SUM, found) == {
        ("eu",): D("0.5"),
        ("us",): D("0.5"),
    }


def test_a_level_carried_in_is_charged_without_an_event() -> None:
    """For each group and after the filter; a level of zero makes none (rule 17)."""
    seats = metered(PerUnit(D(1)), ("region",), tier="pro")
    pro: dict[str, str | None] = {"tier": "pro"}
    before = (
        event("4", -40, region="eu", **pro),
        event("3", 0, region="us", **pro),
        event("-3", -1, region="us", **pro),
        event("5", 0, region="ap", tier="free"),
    )
    assert by_group(seats, WEIGHTED, [], before) == {("eu",): 4}
    assert by_group(seats, WEIGHTED, [event("31", 31, region="us", **pro)], before) == {
        ("eu",): 4,
        ("us",): 1,
    }
    assert by_group(replace(seats, group_by=()), WEIGHTED, [], before) == {(): 4}


def test_only_a_level_carries_in() -> None:
    """The other aggregations begin anew in each period (rule 17)."""
    before = (event("4", 0),)
    for aggregation in set(Aggregation) - {WEIGHTED}:
        assert by_group(metered(PerUnit(D(1))), aggregation, [], before) == {(): 0}


def test_an_event_is_charged_in_its_period_only() -> None:
    """T30: one at the end belongs to the next, one within was not carried in (rule 11)."""
    with pytest.raises(OutsidePeriod):
        by_group(metered(PerUnit(D(1))), SUM, [event("1", 32)])
    with pytest.raises(OutsidePeriod):
        by_group(metered(PerUnit(D(1))), WEIGHTED, [], (event("1", 1),))


# laws


def charges() -> st.SearchStrategy[Charge]:
    rates = st.builds(RateTier, st.none(), amounts(150, 2), amounts(5, 2)).map(lambda tier: (tier,))
    return st.one_of(
        st.builds(Flat, amounts(100, 2)),
        st.builds(PerUnit, amounts(10), amounts(100)),
        tiers().map(Graduated),
        tiers().map(Volume),
        st.builds(Package, amounts(100).map(lambda size: size + 1), amounts(10), amounts(100)),
        st.builds(Percentage, amounts(150, 2), amounts(1, 2), amounts(500, 2), st.integers(0, 3)),
        rates.map(GraduatedPercentage),
        st.builds(Matrix, st.just(("region",)), st.just((Cell(("eu",), D("0.3")),)), amounts(10)),
        st.just(Dynamic("cost")),
    )


def is_explained(rating: Rating) -> bool:
    exact = sum((Fraction(step.amount) for step in rating.steps), Fraction(0))
    return exact == rating.exact and abs(Fraction(rating.amount) - exact) <= Fraction(1, 200)


@given(charge=charges(), quantity=quantities(), bounds=st.lists(amounts(100, 2), max_size=2).map(sorted))
def test_steps_sum_to_exact(charge: Charge, quantity: Exact, bounds: list[Decimal]) -> None:
    """Always, also with a minimum and a maximum, and the amount is that rounded (rule 2)."""
    if isinstance(charge, Percentage | Matrix | Dynamic):
        quantity = D(int(quantity))
    least, most = [*bounds, None, None][:2]
    rating = rate(replace(metered(charge), minimum=least, maximum=most), Usage(quantity), USD)
    assert is_explained(rating)
    assert least is None or rating.exact >= least
    assert most is None or rating.exact <= most


@given(charge=charges(), found=points(), data=st.data())
def test_any_order_of_events_is_rated_the_same(
    charge: Charge, found: list[Point], data: st.DataObject
) -> None:
    """Amounts and steps, group by group (rule 16)."""
    price = metered(charge, data.draw(st.sampled_from(((), ("region",)))))
    rated = rate_metered(price, SUM, found, OCTOBER, USD)
    assert rate_metered(price, SUM, data.draw(st.permutations(found)), OCTOBER, USD) == rated
    assert all(is_explained(each.rating) for each in rated)


@given(found=points(), aggregation=st.sampled_from(Aggregation))
def test_groups_share_out_all_events(found: list[Point], aggregation: Aggregation) -> None:
    """No event falls between groups or into two (rule 10)."""
    price = metered(PerUnit(D(1)), ("region",))
    rated = rate_metered(price, aggregation, found, OCTOBER, USD)
    assert {each.group for each in rated} == {(point.properties.get("region"),) for point in found}
    if aggregation in (COUNT, SUM):
        [whole] = rate_metered(metered(PerUnit(D(1))), aggregation, found, OCTOBER, USD)
        assert sum(Fraction(each.rating.quantity) for each in rated) == whole.rating.quantity


def test_a_hundred_thousand_events_are_rated_within_a_second() -> None:
    """By a sum, in two groups; a loop within a loop would take hours."""
    start = OCTOBER.start
    found = [
        Point(start + timedelta(seconds=n), "", str(n), D(n), {"region": "eu" if n % 2 else None})
        for n in range(100_000)
    ]
    begin = time.perf_counter()
    amounts = by_group(metered(PerUnit(D("0.01")), ("region",)), SUM, found)
    assert time.perf_counter() - begin < 1
    assert amounts == {("eu",): D(25_000_000), (None,): D(24_999_500)}
