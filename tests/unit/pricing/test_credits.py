"""Credit is used in order, and never more than there is (rules 19 and 28)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.arithmetic import from_minor
from farthing.pricing.credits import Credit, available, drawn, in_order
from farthing.pricing.currencies import currency
from farthing.pricing.discounts import credited

USD = currency("USD")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
units = st.integers(0, 10_000)


@st.composite
def several(draw: st.DrawFn) -> list[Credit]:
    """Top-ups of all kinds of priority and expiry, in any order; ids rise with age."""
    found = [
        Credit(
            f"top_{number:03}", from_minor(draw(units), USD), draw(st.integers(0, 2)),
            draw(st.none() | st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours))),
        )
        for number in range(draw(st.integers(0, 8)))
    ]
    return draw(st.permutations(found))


@given(credits=several(), wanted=units.map(lambda each: from_minor(each, USD)))
def test_no_more_is_used_than_was_there(credits: list[Credit], wanted: Decimal) -> None:
    """All that is wanted, or all that is there; of each at most what is left, nothing that has expired (rule 28)."""
    used = drawn(credits, wanted, NOW)
    assert sum(part for _, part in used) == min(wanted, available(credits, NOW))
    assert all(0 < part <= one.left for one, part in used)
    assert all(one.expires_at is None or one.expires_at > NOW for one, _ in used)
    assert len({one.id for one, _ in used}) == len(used)


@given(credits=several(), wanted=units.map(lambda each: from_minor(each, USD)))
def test_nothing_is_used_before_what_comes_first(credits: list[Credit], wanted: Decimal) -> None:
    """By priority, then expiry, then age: only the last one used keeps something (rule 28)."""
    used = drawn(credits, wanted, NOW)
    live = [one for one in credits if one.left and (one.expires_at is None or one.expires_at > NOW)]
    for one, part in used:
        for other in live:
            if other.id not in {each.id for each, _ in used}:
                assert _before(one, other)
        if part < one.left:
            assert (one, part) == used[-1]


def _before(one: Credit, other: Credit) -> bool:
    """The sentence of the rule, one comparison after the other."""
    if one.priority != other.priority:
        return one.priority < other.priority
    if one.expires_at != other.expires_at:
        return other.expires_at is None or (one.expires_at is not None and one.expires_at < other.expires_at)
    return one.id < other.id


def test_credit_that_expires_first_is_used_first() -> None:
    """1 before 2, 0 when left out, and what never expires last (rule 28)."""
    hour = timedelta(hours=1)
    credits = [
        Credit("a", Decimal(1), 2), Credit("b", Decimal(1), 1), Credit("c", Decimal(1), 1, NOW + 2 * hour),
        Credit("d", Decimal(1), 1, NOW + hour), Credit("e", Decimal(1)), Credit("f", Decimal(1), 0, NOW),
    ]
    assert [one.id for one in in_order(credits, NOW)] == ["e", "d", "c", "b", "a"]


@given(
    left=st.lists(st.integers(-5_000, 10_000), max_size=8), granted=units.map(lambda each: from_minor(each, USD))
)
def test_granted_credit_is_shared_over_what_coupons_left(left: list[int], granted: Decimal) -> None:
    """Never more than the sum, nothing from lines below zero, and each within a cent of its share (rules 3, 19, 28)."""
    amounts = [from_minor(each, USD) for each in left]
    parts = credited(amounts, granted, USD)
    base = sum((each for each in amounts if each > 0), Decimal(0))
    assert sum(parts, Decimal(0)) == min(granted, base)
    for amount, part in zip(amounts, parts, strict=True):
        assert 0 <= part <= max(amount, Decimal(0))
        if base and amount > 0:
            share = Fraction(min(granted, base)) * Fraction(amount) / Fraction(base)
            assert abs(Fraction(part) - share) < Fraction(1, 100)
