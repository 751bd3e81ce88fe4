"""What each model charges, with the numbers of its rule's sentence and the laws it keeps."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import Properties
from farthing.pricing.arithmetic import Exact
from farthing.pricing.charges import (
    Step,
    UnpricedUsage,
    amount_of,
    dynamic,
    flat,
    graduated,
    graduated_percentage,
    matrix,
    package,
    per_unit,
    volume,
)
from farthing.pricing.prices import Cell, Matrix, RateTier, Tier
from farthing.pricing.rating import usage_of
from tests.unit.pricing.strategies import amounts, quantities, tiers

D = Decimal
UP_TO_1000 = (Tier(D(1000), D("0.10"), D(5)), Tier(D(10000), D("0.08"), D(7)), Tier(None, D("0.05")))


def test_a_flat_fee_has_one_step() -> None:
    assert flat(D("49.00")) == (Step(D(1), D(49), "fixed fee"),)


@pytest.mark.parametrize(
    ("quantity", "amount"), [("0", "0"), ("99.5", "0"), ("100", "0"), ("100.5", "0.25"), ("103", "1.5")]
)
def test_per_unit_charges_beyond_the_free_units(quantity: str, amount: str) -> None:
    assert amount_of(per_unit(D(quantity), D("0.5"), D(100))) == D(amount)


def test_free_units_are_a_step_of_their_own() -> None:
    assert per_unit(D(103), D("0.5"), D(100)) == (
        Step(D(100), D(0), "100 of 100 free units"),
        Step(D(3), D("1.5"), "3 at 0.5 each", unit_amount=D("0.5")),
    )


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("0", "0"),
        ("0.5", "5.05"),
        ("1000", "105"),
        ("1000.5", "112.04"),
        ("1001", "112.08"),
        ("10000", "832"),
        ("10001", "832.05"),
    ],
)
def test_graduated_prices_the_units_inside_each_tier(quantity: str, amount: str) -> None:
    """T16: unit 1000 is in the first tier, and any beyond it makes the next flat amount due (rule 6)."""
    assert amount_of(graduated(D(quantity), UP_TO_1000)) == D(amount)


def test_a_tiers_end_is_inclusive_and_units_may_be_fractional() -> None:
    """With `up_to: 10`, 10.5 units put 10 in the first tier and 0.5 in the next (rule 5)."""
    first, second = Tier(D(10), D(2)), Tier(None, D(1), D(3))
    assert graduated(D("10.5"), (first, second)) == (
        Step(D(10), D(20), "tier 1: up to 10", 1, D(2), D(0)),
        Step(D("0.5"), D("3.5"), "tier 2: over 10", 2, D(1), D(3)),
    )
    assert [step.tier for step in graduated(D(10), (first, second))] == [1]


@pytest.mark.parametrize(
    ("quantity", "amount", "tier"),
    [
        ("1000", "105", 1),
        ("1000.5", "87.04", 2),
        ("1001", "87.08", 2),
        ("10000", "807", 2),
        ("10000.1", "500.005", 3),
    ],
)
def test_volume_prices_all_units_by_the_tier_of_the_whole(quantity: str, amount: str, tier: int) -> None:
    """T16: at 1000.5 all of it costs 0.08 and 7 once (rule 6)."""
    [step] = volume(D(quantity), UP_TO_1000)
    assert (step.amount, step.tier, step.quantity) == (D(amount), tier, D(quantity))


def test_zero_units_cost_nothing() -> None:
    """No flat amount either, in graduated and volume (rule 6)."""
    assert graduated(D(0), UP_TO_1000) == volume(D(0), UP_TO_1000) == ()


def test_notes_name_the_tiers() -> None:
    notes = [step.note for step in graduated(D(20000), UP_TO_1000)]
    assert notes == ["tier 1: up to 1000", "tier 2: over 1000 up to 10000", "tier 3: over 10000"]
    assert graduated(D(1), (Tier(None, D(1)),))[0].note == "tier 1: all units"


@pytest.mark.parametrize(
    ("quantity", "packages"),
    [
        ("0", 0),
        ("1", 1),
        ("100", 1),
        ("101", 2),
        ("100.000000000000000000000000001", 2),
        ("200", 2),
        ("0.1", 1),
    ],
)
def test_every_started_package_counts(quantity: str, packages: int) -> None:
    """T16: at 0, 1, size, size + 1, and a hair above the size (rule 7)."""
    assert amount_of(package(D(quantity), D(100), D(5))) == 5 * packages


@pytest.mark.parametrize(("quantity", "packages"), [("50", 0), ("51", 1), ("150", 1), ("150.5", 2)])
def test_free_units_come_before_packages(quantity: str, packages: int) -> None:
    """Paid units are quantity less free units, then packages are rounded up (rule 7)."""
    assert amount_of(package(D(quantity), D(100), D(5), D(50))) == 5 * packages


def test_packages_are_counted_exactly() -> None:
    """0.3 in packages of 0.1 are 3: in binary they would be 4 (rule 7); thirds are not rounded first."""
    assert amount_of(package(D("0.3"), D("0.1"), D(1))) == 3
    assert amount_of(package(Fraction(1, 3), D("0.1"), D(1))) == 4
    [step] = package(D(201), D(100), D(5))
    assert step == Step(D(3), D(15), "201 in packages of 100, each one begun counts", unit_amount=D(5))


def test_graduated_percentage_has_a_rate_for_each_part() -> None:
    """2 % of 1000 and 1 % of the next 500, and 3 once the second tier is reached."""
    steps = graduated_percentage(D(1500), (RateTier(D(1000), D(2)), RateTier(None, D(1), D(3))))
    assert [step.amount for step in steps] == [20, 8]
    assert steps[1].note == "tier 2: over 1000, 1 %"
    assert graduated_percentage(D(0), (RateTier(None, D(1), D(3)),)) == ()


GRID = Matrix(("region", "tier"), (Cell(("eu", "pro"), D(2)), Cell(("us", None), D(3))))


def test_a_matrix_prices_each_combination_by_its_cell() -> None:
    """Values as text, null last; a combination below zero costs nothing."""
    grid = Matrix(GRID.dimensions, (*GRID.cells, Cell(("us", "a"), D(7))), D(1))
    sums: dict[tuple[str | None, ...], Decimal] = {
        (None, "x"): D(5),
        ("us", None): D("1.5"),
        ("us", "a"): D(-4),
        ("eu", "pro"): D(10),
    }
    assert [(step.note, step.quantity, step.amount) for step in matrix(sums, grid)] == [
        ("region eu, tier pro", 10, 20),
        ("region us, tier a", 0, 0),
        ("region us, tier null", D("1.5"), D("4.5")),
        ("region null, tier x", 5, 5),
    ]


@pytest.mark.parametrize("units", ["1", "0", "-3"])
def test_a_combination_without_a_cell_is_named(units: str) -> None:
    """Usage is never free by accident, and the values are named (rule 10)."""
    with pytest.raises(
        UnpricedUsage, match=r"\('eu', null\): no cell of region, tier and no default"
    ) as refusal:
        matrix({("eu", None): D(units)}, GRID)
    assert refusal.value.values == ("eu", None)


def charged(*amounts: str | None) -> tuple[Step, ...]:
    properties: list[Properties] = [{} if amount is None else {"cost": amount} for amount in amounts]
    return dynamic(usage_of([(D(1), each) for each in properties]).points, "cost")


def test_dynamic_charges_what_each_event_carries() -> None:
    """A missing amount is zero, and so is a sum below zero (rule 8)."""
    assert charged("1.25", None, "0.005") == (Step(D(3), D("1.255"), "amounts carried by 3 events"),)
    assert amount_of(charged("5", "-2")) == 3
    assert amount_of(charged("5", "-7")) == 0
    assert charged() == ()


@pytest.mark.parametrize("amount", ["", "abc", "1,5", "NaN", "1e400"])
def test_an_amount_that_is_no_number_is_named(amount: str) -> None:
    with pytest.raises(UnpricedUsage, match="cost of event '0' is not a number") as refusal:
        charged(amount)
    assert refusal.value.values == (amount,)


# laws


def expected_graduated(quantity: Exact, table: Sequence[Tier]) -> Fraction:
    """The sentence of the rule once more, in fractions and for every tier, reached or not."""
    amount, below = Fraction(0), Fraction(0)
    for tier in table:
        end = Fraction(tier.up_to) if tier.up_to is not None else Fraction(quantity)
        inside = max(Fraction(0), min(Fraction(quantity), end) - below)
        if inside:
            amount += inside * Fraction(tier.unit_amount) + Fraction(tier.flat_amount)
        below = end
    return amount


@given(quantity=quantities(), table=tiers())
def test_graduated_is_the_sum_over_tiers(quantity: Exact, table: tuple[Tier, ...]) -> None:
    """And its steps hold each unit once (rule 5, rule 6)."""
    steps = graduated(quantity, table)
    assert Fraction(amount_of(steps)) == expected_graduated(quantity, table)
    assert sum(Fraction(step.quantity) for step in steps) == quantity
    for step in steps:
        assert step.unit_amount is not None
        assert step.flat_amount is not None
        product = Fraction(step.quantity) * Fraction(step.unit_amount)
        assert Fraction(step.amount) == product + Fraction(step.flat_amount)


@given(quantities(), quantities(), tiers())
def test_graduated_never_falls_as_the_quantity_rises(
    one: Exact, other: Exact, table: tuple[Tier, ...]
) -> None:
    """Whatever the tiers (rule 10)."""
    less, more = sorted((Fraction(one), Fraction(other)))
    assert amount_of(graduated(less, table)) <= amount_of(graduated(more, table))


@given(quantities(), quantities(), tiers())
def test_volume_falls_at_a_tiers_edge_only(one: Exact, other: Exact, table: tuple[Tier, ...]) -> None:
    """Within a tier it never falls (rule 10)."""
    less, more = sorted((Fraction(one), Fraction(other)))
    below, above = volume(less, table), volume(more, table)
    if not below or below[0].tier == above[0].tier:
        assert amount_of(below) <= amount_of(above)


@given(quantities(), quantities(), amounts(100), amounts(500), amounts(500))
def test_package_never_falls_as_the_quantity_rises(
    one: Exact, other: Exact, price: Decimal, size: Decimal, free: Decimal
) -> None:
    """Nor is there ever less than a package for what is paid (rule 10)."""
    less, more = sorted((Fraction(one), Fraction(other)))
    size += D("0.1")
    below, above = package(less, size, price, free), package(more, size, price, free)
    assert amount_of(below) <= amount_of(above)
    packages = Fraction(amount_of(above)) / Fraction(price) if price else Fraction(0)
    paid = max(Fraction(0), more - Fraction(free))
    assert not price or packages - 1 < paid / Fraction(size) <= packages


@given(table=tiers(flat=False, falling=True), parts=st.lists(quantities(), min_size=1, max_size=5))
def test_splitting_never_lowers_the_graduated_amount(table: tuple[Tier, ...], parts: list[Exact]) -> None:
    """When unit amounts fall by tier and no tier has a flat amount (rule 10)."""
    whole = graduated(sum((Fraction(part) for part in parts), Fraction(0)), table)
    split = sum((Fraction(amount_of(graduated(part, table))) for part in parts), Fraction(0))
    assert split >= Fraction(amount_of(whole))
