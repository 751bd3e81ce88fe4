"""Events put together are rated as they are one by one, for every price that does not look at each (rules 4 to 10)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import NOTHING, Aggregation, Point, merged, partial_of
from farthing.pricing.charges import UnpricedUsage
from farthing.pricing.currencies import currency
from farthing.pricing.prices import (
    Billing,
    Cell,
    Dynamic,
    Graduated,
    GraduatedPercentage,
    Matrix,
    Package,
    Percentage,
    PerUnit,
    Price,
    RateTier,
    Volume,
    violations,
)
from farthing.pricing.rating import GroupRating, Tallied, looks_at, rate_metered, rate_tallied
from tests.unit.pricing.strategies import OCTOBER, amounts, points, tiers

USD = currency("USD")
NAMES = ("region", "tier")
ROLLED = [one for one in Aggregation if one not in (Aggregation.UNIQUE_COUNT, Aggregation.WEIGHTED_SUM)]
CELLS = (Cell(("eu",), Decimal("0.1")), Cell(("us",), Decimal("0.2")))
CHARGES = st.one_of(
    st.builds(PerUnit, amounts()), st.builds(Graduated, tiers()), st.builds(Volume, tiers()),
    st.builds(Package, st.just(Decimal(100)), amounts()), st.just(Matrix(("region",), CELLS, Decimal("0.3"))),
    st.just(GraduatedPercentage((RateTier(None, Decimal("2.5")),))),
)
PRICES = st.builds(
    lambda charge, group_by, filter: Price("p", "P", charge, "m", Billing.IN_ARREARS, True, group_by, filter),
    CHARGES, st.sampled_from([(), ("region",), ("tier", "region")]),
    st.sampled_from([{}, {"tier": ("gold",)}, {"region": ("eu", "us")}]),
)
PROPERTIES = st.fixed_dictionaries(
    {"region": st.sampled_from(["eu", "us", None]), "tier": st.sampled_from(["gold", ""])}
)


def rated(call: object) -> Sequence[GroupRating] | str:
    try:
        return call()  # type: ignore[operator, no-any-return]  # a lambda below
    except UnpricedUsage as error:
        return str(error)


@given(price=PRICES, data=st.data())
def test_put_together_or_one_by_one_costs_the_same(price: Price, data: st.DataObject) -> None:
    lawful = [one for one in ROLLED if not any(each.field == "meter" for each in violations(price, USD, one))]
    aggregation = data.draw(st.sampled_from(lawful))
    drawn = data.draw(points())
    each = [replace(point, properties=data.draw(PROPERTIES)) for point in drawn]
    cut = data.draw(st.integers(0, len(each)))
    tallied = [*put_together(each[:cut]), *put_together(each[cut:])]
    one_by_one = rated(lambda: rate_metered(price, aggregation, each, OCTOBER, USD))
    assert rated(lambda: rate_tallied(price, aggregation, tallied, USD)) == one_by_one


def put_together(each: Sequence[Point]) -> list[Tallied]:
    groups: dict[tuple[str | None, ...], list[Point]] = {}
    for point in each:
        groups.setdefault(tuple(point.properties[name] for name in NAMES), []).append(point)
    return [
        Tallied(dict(zip(NAMES, group, strict=True)), reduce(merged, map(partial_of, some), NOTHING))
        for group, some in groups.items()
    ]


def test_prices_say_what_they_look_at() -> None:
    price = Price("p", "P", PerUnit(Decimal(1)), "m", Billing.IN_ARREARS, True, ("region",), {"tier": ("gold",)})
    assert looks_at(price) == frozenset({"region", "tier"})
    assert looks_at(replace(price, charge=Matrix(("size",), CELLS, None))) == frozenset({"region", "tier", "size"})
    assert looks_at(replace(price, charge=Percentage(Decimal(1)))) is None
    assert looks_at(replace(price, charge=Dynamic("amount"))) is None
