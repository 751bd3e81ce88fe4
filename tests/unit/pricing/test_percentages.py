"""A percentage looks at each event: allowances in order of time, bounds per event."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.aggregation import Point
from farthing.pricing.charges import Step, amount_of
from farthing.pricing.percentages import percentage
from farthing.pricing.prices import Percentage
from farthing.pricing.rating import usage_of
from tests.unit.pricing.strategies import amounts, points

D = Decimal


def charged(charge: Percentage, *amounts: str) -> tuple[Step, ...]:
    """For events of these amounts, in order of time."""
    return percentage(usage_of([(D(amount), {}) for amount in amounts]).points, charge)


@pytest.mark.parametrize(
    ("charge", "amounts", "amount"),
    [
        (Percentage(D("2.9"), D("0.30")), ["100"], "3.2"),
        (Percentage(D("2.9"), D("0.30")), ["100", "50"], "4.95"),
        (Percentage(D(150)), ["10"], "15"),
        (Percentage(D(1), minimum_per_event=D("0.50")), ["10", "100"], "1.5"),
        (Percentage(D(1), maximum_per_event=D(2)), ["1000", "100"], "3"),
        (Percentage(D(1), D("0.30"), minimum_per_event=D("0.40")), ["10", "5"], "0.8"),
        (Percentage(D(1), D("0.30"), minimum_per_event=D("0.40")), ["11"], "0.41"),
    ],
)
def test_each_event_pays_a_rate_and_a_fixed_amount(
    charge: Percentage, amounts: list[str], amount: str
) -> None:
    """Held between a minimum and a maximum; a rate may exceed 100 percent (rule 8)."""
    assert amount_of(charged(charge, *amounts)) == D(amount)


def test_an_event_inside_the_allowance_costs_nothing_at_all() -> None:
    """Not even the fixed amount or the minimum (rule 8)."""
    charge = Percentage(D(10), D(1), free_amount=D(100), minimum_per_event=D(5))
    assert amount_of(charged(charge, "60", "40")) == 0


def test_an_event_partly_inside_pays_the_rate_on_the_rest_and_the_whole_fixed_amount() -> None:
    """Of 60 after 60 of 100 are used up, 20 pay 10 percent, and 1 (rule 8)."""
    charge = Percentage(D(10), D(1), free_amount=D(100))
    assert amount_of(charged(charge, "60", "60")) == 3
    assert amount_of(charged(charge, "60", "60", "60")) == 10


def test_free_events_are_used_up_before_the_free_amount() -> None:
    """The first event is free, the next uses up the 100, the third pays (rule 8)."""
    charge = Percentage(D(10), free_amount=D(100), free_events=1)
    assert amount_of(charged(charge, "1000", "100", "50")) == 5


def test_an_event_of_zero_or_less_costs_nothing_and_uses_up_nothing() -> None:
    """Neither a free event nor the fixed amount, nor does it give anything back (rule 8)."""
    charge = Percentage(D(10), D(1), free_events=1, minimum_per_event=D(5))
    assert amount_of(charged(charge, "0", "-50", "100", "100")) == 11
    assert amount_of(charged(charge, "100", "0", "-100")) == 0


def test_allowances_are_used_up_in_order_of_time() -> None:
    """Whatever order the events arrive in; of one instant by id, then source (rule 8, rule 16)."""
    charge = Percentage(D(10), free_events=1)
    early, late = usage_of([(D(10), {}), (D(1000), {})]).points
    assert amount_of(percentage([late, early], charge)) == 100
    same = [Point(early.time, "s", id, D(value), {}) for id, value in (("b", "1000"), ("a", "10"))]
    assert amount_of(percentage(same, charge)) == 100


def test_a_missing_value_is_no_event() -> None:
    point = Point(usage_of([(D(1), {})]).points[0].time, "", "a", None, {})
    assert percentage([point], Percentage(D(10), D(1))) == ()


def test_events_alike_share_a_step() -> None:
    """A finance person reads six lines, not a million."""
    charge = Percentage(D("2.9"), D("0.3"), D(100), 2, D("0.5"), D(5))
    steps = charged(charge, "0", "10", "20", "60", "60", "30", "50", "1", "2", "5000")
    assert [(step.quantity, step.amount, step.note) for step in steps] == [
        (D(0), 0, "1 event of zero or less"),
        (D(30), 0, "free events: 2 of 2"),
        (D(100), 0, "free amount: 100 of 100"),
        (D(100), D("3.8"), "2.9 % of 100 and 0.3 for each of 3 events"),
        (D(3), D("1.0"), "minimum 0.5 applies to 2 events"),
        (D(5000), D(5), "maximum 5 applies to 1 event"),
    ]
    assert charged(Percentage(D(2)), "50")[0].note == "2 % of 50"


def expected(amounts: list[Fraction], charge: Percentage) -> Fraction:
    """The sentence of the rule once more, event by event."""
    events, allowance, fees = charge.free_events, Fraction(charge.free_amount), Fraction(0)
    for amount in (amount for amount in amounts if amount > 0):
        if events > 0:
            events -= 1
            continue
        rest = amount - min(amount, allowance)
        allowance -= min(amount, allowance)
        if rest == 0:
            continue
        fee = rest * Fraction(charge.rate) / 100 + Fraction(charge.fixed_amount)
        if charge.minimum_per_event is not None:
            fee = max(fee, Fraction(charge.minimum_per_event))
        if charge.maximum_per_event is not None:
            fee = min(fee, Fraction(charge.maximum_per_event))
        fees += fee
    return fees


@st.composite
def charges(draw: st.DrawFn) -> Percentage:
    low, high = sorted((draw(amounts(10)), draw(amounts(50))))
    return Percentage(
        draw(amounts(200, 2)),
        draw(amounts(2, 2)),
        draw(amounts(1000, 2)),
        draw(st.integers(0, 3)),
        draw(st.sampled_from((None, low))),
        draw(st.sampled_from((None, high))),
    )


@given(charge=charges(), found=points(), data=st.data())
def test_a_percentage_is_the_sum_of_its_events_fees(
    charge: Percentage, found: list[Point], data: st.DataObject
) -> None:
    """In any order of arrival (rule 8)."""
    in_time = sorted(found, key=lambda point: (point.time, point.id, point.source))
    amounts = [Fraction(point.value) for point in in_time if point.value is not None]
    steps = percentage(data.draw(st.permutations(found)), charge)
    assert Fraction(amount_of(steps)) == expected(amounts, charge)
    assert sum(Fraction(step.quantity) for step in steps) == sum(amounts)
    assert len(steps) <= 6
