"""Giving back: never above the line, and everything gives back the line exactly (rules 20 and 22)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.crediting import (
    Part,
    Settled,
    Standing,
    TooMuch,
    credit_posted,
    credited,
    given_back,
    lessened,
    settled,
)
from farthing.pricing.currencies import currency
from farthing.pricing.posting import Account, Earned, balances, releases

USD, JPY, KWD = currency("USD"), currency("JPY"), currency("KWD")
CURRENCIES = st.sampled_from([USD, JPY, KWD])
MINOR = st.integers(1, 10**12)


def test_a_part_has_its_share_of_the_tax() -> None:
    """Rule 20: 19.00 on 100.00; 33.33 has 6.33, as much again 6.34 less than is left, and the rest what remains."""
    line = Standing(Decimal("100.00"), Decimal("19.00"))
    parts = []
    for amount in ("33.33", "33.33", "33.34"):
        part = credited(line, Decimal(amount), USD)
        line = given_back(line, part)
        parts.append(part.tax)
    assert parts == [Decimal("6.33"), Decimal("6.34"), Decimal("6.33")]
    assert line.left == 0


def test_more_than_is_left_is_refused() -> None:
    line = Standing(Decimal("10.00"), Decimal("0.00"), credited=Decimal("2.00"), corrected=Decimal("3.00"))
    with pytest.raises(TooMuch) as caught:
        credited(line, Decimal("5.01"), USD)
    assert caught.value.left == Decimal("5.00")
    assert credited(line, Decimal("5.00"), USD) == Part(Decimal("5.00"), Decimal("0.00"))


def test_nothing_is_left_of_a_credit() -> None:
    """Rule 20: a negative line is none to be given back."""
    assert Standing(Decimal("-5.00"), Decimal("-0.95")).left == 0


def test_no_more_is_left_than_with_its_tax() -> None:
    """A price with tax in it, given back elsewhere, was parted into net and tax by that invoice's own rounding."""
    line = Standing(Decimal("118.23"), Decimal("22.47"), corrected=Decimal("118.22"), tax_corrected=Decimal("22.48"))
    assert line.left == 0


@given(net=MINOR, tax=st.integers(0, 10**12), data=st.data())
def test_any_number_of_parts_gives_back_the_line_exactly(net: int, tax: int, data: st.DataObject) -> None:
    """Rule 20: net and tax to the last minor unit, no part below zero, and never above the line on the way."""
    of = data.draw(CURRENCIES)
    line = Standing(Decimal(net).scaleb(-of.decimals), Decimal(tax).scaleb(-of.decimals))
    cuts = sorted(data.draw(st.lists(st.integers(1, net), max_size=6)))
    for part in [b - a for a, b in zip([0, *cuts], [*cuts, net], strict=True) if b > a]:
        given_now = credited(line, Decimal(part).scaleb(-of.decimals), of)
        assert given_now.tax >= 0
        line = given_back(line, given_now)
        assert line.credited <= line.net
        assert line.tax_credited <= line.tax
    assert (line.credited, line.tax_credited) == (line.net, line.tax)
    assert line.left == 0


@given(net=MINOR, percent=st.integers(0, 100), data=st.data())
def test_with_corrections_no_more_tax_is_given_back_than_there_was(
    net: int, percent: int, data: st.DataObject
) -> None:
    """Rule 20: a proration credit has its own tax; what credit notes add to it stays below the line's."""
    tax = net * percent // 100
    corrected = data.draw(st.integers(0, net - 1)) if net > 1 else 0
    its_tax = data.draw(st.integers(0, tax))
    line = Standing(*(Decimal(each) for each in (net, tax, 0, 0, corrected, its_tax)))
    part = credited(line, line.left, JPY)
    assert part.amount == net - corrected
    assert 0 <= part.tax <= tax - its_tax


@pytest.mark.parametrize(("total", "due", "paid", "as_money", "expected"), [
    ("30", "100", "0", False, ("30", "0", "0")), ("30", "20", "80", False, ("20", "10", "0")),
    ("30", "20", "80", True, ("20", "0", "10")), ("100", "0", "40", True, ("0", "60", "40")),
    ("100", "0", "0", True, ("0", "100", "0")),
])
def test_what_is_due_is_lowered_first(
    total: str, due: str, paid: str, as_money: bool, expected: tuple[str, str, str]
) -> None:
    """Rule 20: then what had been paid is given back, as money as far as it was money."""
    found = settled(Decimal(total), Decimal(due), Decimal(paid), as_money)
    assert found == Settled(*map(Decimal, expected))


@given(
    nets=st.lists(st.integers(1, 10**9), min_size=1, max_size=4), start=st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    length=st.integers(1, 800), issued_on=st.dates(date(2024, 12, 1), date(2029, 6, 1)), data=st.data(),
)
def test_crediting_everything_leaves_nothing_to_release(
    nets: list[int], start: date, length: int, issued_on: date, data: st.DataObject
) -> None:
    """Rule 22: in two steps or one, and no step releases more than it credits."""
    end = date.fromordinal(start.toordinal() + length)
    before = [Earned(Decimal(net), start, end) for net in nets]
    half = [Earned(Decimal(data.draw(st.integers(0, net))), start, end) for net in nets]
    none = [Earned(Decimal(0), start, end) for _ in nets]
    left = {one.last_day: one.amount for one in releases(before, issued_on, JPY)}
    for one, other in ((before, half), (half, none)):
        less = lessened(one, other, issued_on, JPY)
        credit = sum((a.net - b.net for a, b in zip(one, other, strict=True)), Decimal(0))
        assert 0 <= sum(less.values(), Decimal(0)) <= credit
        left = {day: left.get(day, Decimal(0)) - less.get(day, Decimal(0)) for day in left.keys() | less.keys()}
    assert not any(left.values())


def test_a_credit_note_writes_a_balanced_entry() -> None:
    """Rule 22: revenue and tax fall, and so does what is owed, or the money goes back."""
    to = Settled(Decimal("5.00"), Decimal("4.00"), Decimal("2.90"))
    postings = credit_posted(Decimal("10.00"), Decimal("3.00"), Decimal("1.90"), to)
    assert balances(postings) == {
        Account.RECEIVABLES: Decimal("-5.00"), Account.CASH: Decimal("-2.90"),
        Account.CUSTOMER_CREDIT: Decimal("-4.00"), Account.DEFERRED_REVENUE: Decimal("3.00"),
        Account.REVENUE: Decimal("7.00"), Account.TAX_PAYABLE: Decimal("1.90"),
    }
