"""What makes a price unlawful is found where it is made, with the field's name."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from farthing.pricing.aggregation import Aggregation
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
    violations,
)
from tests.unit.pricing.strategies import tiers

D = Decimal
JPY, USD, KWD = currency("JPY"), currency("USD"), currency("KWD")
ARREARS = Billing.IN_ARREARS


def metered(charge: Charge, minimum: Decimal | None = None, maximum: Decimal | None = None) -> Price:
    return Price("calls", "Calls", charge, "calls", ARREARS, minimum=minimum, maximum=maximum)


def fee(charge: Charge, billing: Billing = Billing.IN_ADVANCE) -> Price:
    return Price("seats", "Seats", charge, None, billing)


def fields(price: Price, unit: str = "USD", aggregation: Aggregation | None = None) -> list[str]:
    return [violation.field for violation in violations(price, currency(unit), aggregation)]


LAWFUL = [
    metered(PerUnit(D("0.00000005"))),
    metered(PerUnit(D(0), D("0.5")), D("1.00"), D("1.00")),
    metered(Graduated((Tier(D(1), D("0.001"), D("0.005")), Tier(None)))),
    metered(Volume((Tier(D("0.5")), Tier(D("1.5")), Tier(None, D(1))))),
    metered(Package(D("0.1"), D("0.0001"))),
    metered(Percentage(D(150), D("0.305"), D(1), 3, D("0.001"), D("0.001"))),
    metered(GraduatedPercentage((RateTier(D(10), D(2)), RateTier(None, D(1), D(3))))),
    metered(Matrix(("region",), (Cell(("eu",), D(1)), Cell((None,), D(2))))),
    metered(Dynamic("cost")),
    fee(Flat(D("49.00"))),
    fee(PerUnit(D(5)), ARREARS),
    replace(metered(PerUnit(D(1))), group_by=("region",), filter={"tier": ("pro",)}),
]


@pytest.mark.parametrize("price", LAWFUL, ids=lambda price: price.charge.model)
def test_a_lawful_price_has_no_violation(price: Price) -> None:
    """Unit prices may be finer than the currency; a rate may exceed 100 percent."""
    assert violations(price, USD, Aggregation.SUM if price.meter else None) == ()


NEGATIVE = D("-0.01")


@pytest.mark.parametrize(
    ("charge", "field"),
    [
        (PerUnit(NEGATIVE), "unit_amount"),
        (PerUnit(D(1), NEGATIVE), "free_units"),
        (Package(D(1), NEGATIVE), "package_amount"),
        (Package(D(1), D(1), NEGATIVE), "free_units"),
        (Package(D(0), D(1)), "package_size"),
        (Package(NEGATIVE, D(1)), "package_size"),
        (Percentage(NEGATIVE), "rate"),
        (Percentage(D(1), NEGATIVE), "fixed_amount"),
        (Percentage(D(1), D(1), NEGATIVE), "free_amount"),
        (Percentage(D(1), free_events=-1), "free_events"),
        (Percentage(D(1), minimum_per_event=NEGATIVE), "minimum_per_event"),
        (Percentage(D(1), maximum_per_event=NEGATIVE), "maximum_per_event"),
        (Percentage(D(1), minimum_per_event=D(2), maximum_per_event=D(1)), "maximum_per_event"),
        (Graduated((Tier(None, NEGATIVE),)), "tiers[0].unit_amount"),
        (Volume((Tier(D(1)), Tier(None, flat_amount=NEGATIVE))), "tiers[1].flat_amount"),
        (GraduatedPercentage((RateTier(None, NEGATIVE),)), "tiers[0].rate"),
        (Matrix(("a",), (Cell(("b",), D(1)), Cell(("c",), NEGATIVE))), "cells[1].unit_amount"),
        (Matrix(("a",), (), NEGATIVE), "default_unit_amount"),
    ],
)
def test_catalogue_amounts_are_not_negative(charge: Charge, field: str) -> None:
    """T14: event values may be, but no number of a price; a package has a size."""
    assert fields(metered(charge)) == [field]


def test_a_flat_amount_is_not_negative() -> None:
    assert fields(fee(Flat(NEGATIVE))) == ["amount"]


@pytest.mark.parametrize(
    ("ends", "field"),
    [
        ([], "tiers"),
        (["10"], "tiers[0].up_to"),
        (["10", "20"], "tiers[1].up_to"),
        (["10", "10", None], "tiers[1].up_to"),
        (["10", "9.9", None], "tiers[1].up_to"),
        (["0", None], "tiers[0].up_to"),
        (["-1", None], "tiers[0].up_to"),
        ([None, None], "tiers[0].up_to"),
        (["10", None, "20", None], "tiers[1].up_to"),
    ],
)
def test_tiers_rise_strictly_and_the_last_is_open(ends: list[str | None], field: str) -> None:
    """T14: from above zero, and only the last one's `up_to` is null (rule 5)."""
    up_to = [None if end is None else D(end) for end in ends]
    assert fields(metered(Graduated(tuple(Tier(end) for end in up_to)))) == [field]
    assert fields(metered(Volume(tuple(Tier(end) for end in up_to)))) == [field]
    assert fields(metered(GraduatedPercentage(tuple(RateTier(end, D(1)) for end in up_to)))) == [field]


@given(tiers())
def test_the_tiers_we_try_laws_with_are_lawful(table: tuple[Tier, ...]) -> None:
    assert fields(metered(Graduated(table))) == []


@pytest.mark.parametrize(
    ("unit", "amount", "lawful"),
    [
        ("JPY", "12.30", False),
        ("USD", "1.2345", False),
        ("KWD", "1.230", True),
        ("USD", "1.230", False),
        ("JPY", "1e3", True),
    ],
)
def test_money_has_no_more_decimals_than_its_currency(unit: str, amount: str, lawful: bool) -> None:
    """T13: a flat amount, a minimum and a maximum are money, and unit prices are not."""
    found = [] if lawful else ["amount"]
    assert fields(fee(Flat(D(amount))), unit) == found
    assert fields(metered(PerUnit(D(amount)), minimum=D(amount)), unit) == [
        f.replace("amount", "minimum") for f in found
    ]
    assert fields(metered(PerUnit(D(amount)), maximum=D(amount)), unit) == [
        f.replace("amount", "maximum") for f in found
    ]


def test_a_minimum_is_not_above_the_maximum() -> None:
    """Both hold the amount of a period, and cannot when they contradict each other (rule 9)."""
    assert fields(metered(PerUnit(D(1)), D(2), D(1))) == ["maximum"]
    assert fields(metered(PerUnit(D(1)), D(-2), D(1))) == ["minimum"]


@pytest.mark.parametrize(
    ("matrix", "field"),
    [
        (Matrix((), (), D(1)), "dimensions"),
        (Matrix(("a", "a"), (), D(1)), "dimensions"),
        (Matrix(("a", "b"), (Cell(("x",), D(1)),)), "cells[0].values"),
        (Matrix(("a",), (Cell(("x",), D(1)), Cell((None,), D(1)), Cell(("x",), D(2)))), "cells[2].values"),
    ],
)
def test_a_matrix_has_one_cell_for_a_combination(matrix: Matrix, field: str) -> None:
    assert fields(metered(matrix)) == [field]


@pytest.mark.parametrize(
    "charge",
    [
        Percentage(D(1)),
        GraduatedPercentage((RateTier(None, D(1)),)),
        Matrix(("a",), (), D(1)),
        Dynamic("cost"),
    ],
    ids=lambda charge: charge.model,
)
def test_models_of_events_need_a_meter(charge: Charge) -> None:
    """Without one there are flat, per_unit, graduated, volume and package (rule 10)."""
    assert fields(fee(charge)) == ["meter"]


@pytest.mark.parametrize(
    "charge",
    [Flat(D(1)), PerUnit(D(1)), Graduated((Tier(None),)), Volume((Tier(None),)), Package(D(1), D(1))],
    ids=lambda charge: charge.model,
)
def test_a_price_without_a_meter_has_nothing_to_group_or_filter(charge: Charge) -> None:
    """Its quantity is the subscription's (rule 10)."""
    assert fields(fee(charge)) == []
    assert fields(replace(fee(charge), group_by=("region",))) == ["group_by"]
    assert fields(replace(fee(charge), filter={"region": ("eu",)})) == ["filter"]


def test_a_metered_price_is_in_arrears_and_not_a_fixed_fee() -> None:
    """What was used is known afterwards (rule 10)."""
    assert fields(replace(metered(PerUnit(D(1))), billing=Billing.IN_ADVANCE)) == ["billing"]
    assert fields(metered(Flat(D(1)))) == ["meter"]


SUM_ONLY = (Percentage(D(1)), GraduatedPercentage((RateTier(None, D(1)),)), Dynamic("cost"))


@pytest.mark.parametrize("aggregation", Aggregation)
def test_models_of_amounts_need_a_sum(aggregation: Aggregation) -> None:
    """A matrix a sum or a count, the others any meter (rule 8)."""
    is_sum, is_count = aggregation is Aggregation.SUM, aggregation is Aggregation.COUNT
    for charge in SUM_ONLY:
        assert fields(metered(charge), aggregation=aggregation) == ([] if is_sum else ["meter"])
    matrix = metered(Matrix(("a",), (), D(1)))
    assert fields(matrix, aggregation=aggregation) == ([] if is_sum or is_count else ["meter"])
    assert fields(metered(PerUnit(D(1))), aggregation=aggregation) == []


def test_every_violation_is_told_in_words() -> None:
    """All of them at once, each with its field."""
    price = replace(metered(Percentage(D(-1)), D("0.001"), D(-1)), billing=Billing.IN_ADVANCE)
    found = violations(price, USD, Aggregation.MAX)
    assert [(violation.field, violation.message) for violation in found] == [
        ("minimum", "has more decimals than USD, which has 2"),
        ("maximum", "must not be negative"),
        ("rate", "must not be negative"),
        ("maximum", "must not be below minimum"),
        ("billing", "must be in_arrears for a metered price"),
        ("meter", "of a percentage price must be a sum, not a max"),
    ]
