"""Entries of the journal: balanced whatever happened, and each day's revenue released once (rule 22)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.currencies import currency
from farthing.pricing.posting import (
    Account,
    Earned,
    Posting,
    Release,
    Unbalanced,
    balances,
    earned,
    issued,
    last_of_month,
    moved,
    received,
    released,
    releases,
    reversed_,
)

USD, JPY, KWD = currency("USD"), currency("JPY"), currency("KWD")
CURRENCIES = st.sampled_from([USD, JPY, KWD])
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
MINOR = st.integers(-(10**9), 10**9)


@st.composite
def lines(draw: st.DrawFn, decimals: int) -> list[Earned]:
    """Lines of an invoice, credits among them, some earned at once."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        net = Decimal(draw(MINOR)).scaleb(-decimals)
        first = draw(st.none() | DAYS)
        end = None if first is None else first + timedelta(days=draw(st.integers(0, 800)))
        found.append(Earned(net, first, end))
    return found


def test_a_fee_in_advance_is_earned_by_the_day() -> None:
    """Rule 22: 31.00 for October issued on the 1st is 1.00 now and 30.00 at the end of the month."""
    fee = [Earned(Decimal("31.00"), date(2026, 10, 1), date(2026, 11, 1))]
    assert issued(fee, Decimal("6.20"), date(2026, 10, 1), USD) == (
        Posting(Account.RECEIVABLES, Account.DEFERRED_REVENUE, Decimal("30.00")),
        Posting(Account.RECEIVABLES, Account.REVENUE, Decimal("1.00")),
        Posting(Account.RECEIVABLES, Account.TAX_PAYABLE, Decimal("6.20")),
    )
    assert releases(fee, date(2026, 10, 1), USD) == (Release(date(2026, 10, 31), Decimal("30.00")),)


def test_a_year_is_released_month_by_month() -> None:
    """365.00 for a year from 15 November on, issued on its first day: by the days of each month (rule 22)."""
    fee = [Earned(Decimal("365.00"), date(2026, 11, 15), date(2027, 11, 15))]
    found = releases(fee, date(2026, 11, 15), USD)
    assert [one.last_day for one in found[:4]] == [
        date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 28),
    ]
    assert [one.amount for one in found] == [
        Decimal(days) for days in (15, 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 14)
    ]


def test_what_cannot_be_shared_evenly_loses_nothing() -> None:
    """0.10 over 365 days: whole cents, each in the month in which the sum reaches it (rule 22)."""
    fee = [Earned(Decimal("0.10"), date(2026, 1, 1), date(2027, 1, 1))]
    found = releases(fee, date(2026, 1, 1), USD)
    assert sum((one.amount for one in found), Decimal(0)) == Decimal("0.10")
    assert all(one.amount == one.amount.quantize(Decimal("0.01")) for one in found)


def test_usage_of_a_period_that_is_over_is_revenue_at_once() -> None:
    used = [Earned(Decimal("5.00"), date(2026, 9, 1), date(2026, 10, 1)), Earned(Decimal("1.00"))]
    assert balances(issued(used, Decimal(0), date(2026, 10, 1), USD)) == {
        Account.RECEIVABLES: Decimal("6.00"), Account.REVENUE: Decimal("-6.00"),
    }
    assert releases(used, date(2026, 10, 1), USD) == ()


def test_an_invoice_of_nothing_has_no_entry() -> None:
    assert issued([Earned(Decimal("0.00"))], Decimal(0), date(2026, 10, 1), USD) == ()


def test_money_that_comes_in_lowers_what_is_owed() -> None:
    four, two, nothing = Decimal("4.00"), Decimal("2.00"), Decimal(0)
    assert received(four, nothing) == (Posting(Account.CASH, Account.RECEIVABLES, four),)
    assert received(four, nothing, written_off=True) == (Posting(Account.CASH, Account.BAD_DEBT, four),)
    assert received(four, two) == (
        Posting(Account.CASH, Account.RECEIVABLES, four), Posting(Account.CASH, Account.CUSTOMER_CREDIT, two),
    )


def test_what_does_not_balance_cannot_be_said() -> None:
    """Rule 22: not even by a minor unit."""
    with pytest.raises(Unbalanced, match=r"receivables 1\.00"):
        moved({Account.RECEIVABLES: Decimal("1.00"), Account.REVENUE: Decimal("-0.99")})


@given(st.dictionaries(st.sampled_from(list(Account)[1:]), MINOR.map(Decimal)))
def test_every_entry_balances_and_says_the_changes(some: dict[Account, Decimal]) -> None:
    """Rule 22: postings above zero between two accounts, at most one fewer than the accounts."""
    changes = some | {Account.RECEIVABLES: -sum(some.values(), Decimal(0))}
    postings = moved(changes)
    assert balances(postings) == {account: changes[account] for account in Account if changes.get(account)}
    assert all(one.amount > 0 and one.debit is not one.credit for one in postings)
    assert len(postings) <= max(len([each for each in changes.values() if each]) - 1, 0)


@given(CURRENCIES.flatmap(lambda unit: st.tuples(st.just(unit), lines(unit.decimals))), MINOR, DAYS)
def test_what_is_deferred_is_released_in_full(given_lines: tuple, tax: int, day: date) -> None:  # type: ignore[type-arg]  # drawn together
    """Rule 22: deferral plus releases leave nothing; revenue ends as the lines' sum, receivables as the total."""
    unit, some = given_lines
    owed = Decimal(tax).scaleb(-unit.decimals)
    first = issued(some, owed, day, unit)
    later = [posting for one in releases(some, day, unit) for posting in released(one.amount)]
    net = sum((line.net for line in some), Decimal(0))
    expected = {Account.RECEIVABLES: net + owed, Account.REVENUE: -net, Account.TAX_PAYABLE: -owed}
    assert balances([*first, *later]) == {account: amount for account, amount in expected.items() if amount}
    assert balances([*first, *later, *reversed_([*first, *later])]) == {}


@given(DAYS, st.integers(1, 800), st.integers(-40, 900), st.integers(0, 10**7))
def test_no_day_is_earned_twice(first: date, length: int, offset: int, minor: int) -> None:
    """At one minor unit a day each month releases exactly the days it has after the day of issue (rule 22)."""
    day, end = first + timedelta(days=offset), first + timedelta(days=length)
    line = Earned(Decimal(length).scaleb(-2), first, end)
    days = [each for each in (first + timedelta(days=n) for n in range(length)) if each > day]
    by_month: dict[date, int] = {}
    for each in days:
        by_month[last_of_month(each)] = by_month.get(last_of_month(each), 0) + 1
    assert {one.last_day: int(one.amount * 100) for one in releases([line], day, USD)} == by_month
    other = Earned(Decimal(minor).scaleb(-2), first, end)
    through = [earned(other, first + timedelta(days=n), USD) for n in range(-1, length)]
    assert through == sorted(through)
    assert (through[0], through[-1]) == (Decimal(0), other.net)


def test_the_last_month_of_the_calendar() -> None:
    assert last_of_month(date(9999, 12, 3)) == date.max
    fee = [Earned(Decimal("2.00"), date(9999, 12, 29), date.max)]
    assert releases(fee, date(9999, 12, 29), USD) == (Release(date.max, Decimal("1.00")),)
