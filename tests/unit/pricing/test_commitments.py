"""Minimum commitments (rules 9, 13 and 18)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.agreements import Agreement, Terms
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import BilledLine, commitment_lines, shares
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import ONE, Line
from farthing.pricing.prices import Billing, Flat, Price
from farthing.pricing.taxes import Treatment

USD = currency("USD")
UTC_ZONE = ZoneInfo("UTC")
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
BASE = Price("base", "Base fee", Flat(Decimal("10.00")), None, Billing.IN_ADVANCE)
cents = st.integers(0, 10**7).map(lambda units: Decimal(units).scaleb(-2))


def day(number: int) -> datetime:
    return BEGIN + timedelta(days=number)


def november(start: int = 0, end: int = 30) -> Part:
    return Part(Period(day(start), day(end)), end - start, 30, Period(day(0), day(30)))


def agreement(commitment: Decimal, *pauses: tuple[int, int]) -> Agreement:
    terms = Terms("pro@1", (BASE,), {}, commitment=commitment)
    return Agreement(((BEGIN, terms),), UTC_ZONE, tuple((day(start), day(end)) for start, end in pauses))


def two_plans(first: Decimal, second: Decimal, at: int) -> Agreement:
    """Another plan from a day on, with a fee of the same price."""
    terms = Terms("pro@1", (BASE,), {}, commitment=first)
    other = Terms("big@1", (BASE,), {}, {"base": "big"}, second)
    return Agreement(((BEGIN, terms), (day(at), other)), UTC_ZONE)


def line(amount: Decimal, reason: str = "usage", start: int = 0, end: int = 30) -> Line:
    return Line("Calls", "calls", (), Period(day(start), day(end)), ONE, None, amount, reason)


def fee(amount: Decimal = Decimal("10.00"), start: int = 0, end: int = 30) -> Line:
    return replace(line(amount, "fee", start, end), price="base")


def told(lines: tuple[Line, ...]) -> list[tuple[str, int]]:
    return [(str(one.amount), 0 if one.period is None else (one.period.start - BEGIN).days) for one in lines]


def stood(lines: tuple[Line, ...], share: Fraction = Fraction(0)) -> list[BilledLine]:
    """Lines as they stand once their invoice is finalised; `share` is what discounts took of each."""
    found = []
    for place, one in enumerate(lines):
        discount = Decimal(int(one.amount * 100 * share.numerator / share.denominator)).scaleb(-2)
        discount = discount if one.amount > ZERO else ZERO
        found.append(BilledLine(
            replace(one, discount=discount), ("inv", f"{place}"), left=max(one.amount - discount, ZERO),
            treatment=Treatment(),
        ))
    return found


@given(cents, cents, st.integers(0, 29), st.integers(0, 30))
def test_all_lines_together_reach_the_share(commitment: Decimal, used: Decimal, start: int, length: int) -> None:
    """And no cent is asked for beyond it: what is not a correction is never below zero (rule 9)."""
    part = november(start, max(min(start + length, 30), start + 1))
    billed = [BilledLine(line(used, start=start))]
    lines = commitment_lines(agreement(commitment), part, billed, USD)
    missing = Fraction(commitment) * Fraction(part.days, 30) - Fraction(used)
    assert all(one.amount > ZERO and one.reason == "commitment" and one.corrects is None for one in lines)
    assert abs(sum(Fraction(one.amount) for one in lines) - max(missing, Fraction(0))) <= Fraction(1, 200)


@given(cents, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4))
def test_paused_days_take_their_share(commitment: Decimal, drawn: list[tuple[int, int]]) -> None:
    cuts = sorted({each for pair in drawn for each in pair})
    pauses = [(start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    gone = sum(end - start for start, end in pauses)
    [share] = shares(agreement(commitment + 1, *pauses), november())
    assert (share.days, share.of) == (30 - gone, 30)
    assert share.amount == Fraction(commitment + 1) * Fraction(30 - gone, 30)


@given(cents, cents, st.integers(1, 29), st.lists(cents, max_size=3), st.lists(cents, max_size=3))
def test_plans_do_not_pay_for_each_other(
    first: Decimal, second: Decimal, at: int, before: list[Decimal], after: list[Decimal]
) -> None:
    """Each has its days, its usage, and its days of a fee that stays the same (rules 9 and 14)."""
    billed = [BilledLine(fee()), *(BilledLine(line(each, end=at)) for each in before),
              *(BilledLine(line(each, start=at)) for each in after)]
    lines = commitment_lines(two_plans(first, second, at), november(), billed, USD)
    wanted = []
    for commitment, days, used, start in ((first, at, before, 0), (second, 30 - at, after, at)):
        counted = sum(map(Fraction, used), Fraction(0)) + Fraction(10 * days, 30)
        missing = max(Fraction(commitment) * Fraction(days, 30) - counted, Fraction(0))
        cent = int(missing * 100 + Fraction(1, 2))
        wanted += [(f"{cent // 100}.{cent % 100:02}", start)] if cent else []
    assert told(lines) == wanted


@given(cents, st.lists(st.integers(-10**6, 10**6), min_size=1, max_size=6))
def test_whatever_comes_late_it_ends_as_if_it_had_been_on_time(commitment: Decimal, late: list[int]) -> None:
    """Round after round, up or down and from nothing too (rule 18); and nothing twice: a second look finds nothing."""
    terms = agreement(commitment + Decimal("0.01"))
    billed = [BilledLine(line(Decimal("20.00")))]
    for place, units in enumerate(late):
        billed.append(BilledLine(line(Decimal(units).scaleb(-2), "late_usage")))
        new = commitment_lines(terms, november(), billed, USD)
        billed += [
            BilledLine(one, ("inv", f"{place}.{number}"), left=max(one.amount, ZERO), treatment=Treatment())
            for number, one in enumerate(new)
        ]
        billed = _with_left(billed)
        assert commitment_lines(terms, november(), billed, USD) == ()
    used = sum((one.line.amount for one in billed if one.line.reason != "commitment"), ZERO)
    charged = sum((one.line.amount for one in billed if one.line.reason == "commitment"), ZERO)
    assert charged == max(commitment + Decimal("0.01") - used, ZERO)


def _with_left(billed: list[BilledLine]) -> list[BilledLine]:
    return [
        replace(one, left=one.line.amount - one.line.discount + sum(
            (each.line.amount for each in billed if each.line.corrects == one.at), ZERO
        )) if one.at is not None and one.line.amount > ZERO else one
        for one in billed
    ]


def test_a_correction_is_lessened_by_the_discount() -> None:
    """A fifth was taken of the true-up of 90: forty less is missing, so thirty-two are given back (rule 18)."""
    terms = agreement(Decimal("100.00"))
    first = [BilledLine(fee())]
    true_up = commitment_lines(terms, november(), first, USD)
    assert told(true_up) == [("90.00", 0)]
    billed = [*first, *stood(true_up, Fraction(1, 5)), BilledLine(line(Decimal("40.00"), "late_usage"))]
    [correction] = commitment_lines(terms, november(), billed, USD)
    assert (str(correction.amount), str(correction.rated)) == ("-32.00", "-40.00")
    assert correction.corrects == ("inv", "0")
    assert commitment_lines(terms, november(), [*billed, BilledLine(correction, ("inv", "1"))], USD) == ()


def test_what_a_credit_note_gave_back_is_not_given_back_again() -> None:
    terms = agreement(Decimal("100.00"))
    [true_up] = stood(commitment_lines(terms, november(), [], USD))
    late = BilledLine(line(Decimal("50.00"), "late_usage"))
    [correction] = commitment_lines(terms, november(), [replace(true_up, left=Decimal("30.00")), late], USD)
    assert str(correction.amount) == "-30.00"


def test_days_that_were_given_back_of_a_fee_do_not_count() -> None:
    """By a credit line, and by a credit note where no invoice could bear one."""
    terms = agreement(Decimal("100.00"), (20, 30))
    billed = BilledLine(fee(), ("inv", "fee"))
    credit = replace(line(Decimal("-3.33"), "proration", 20, 30), price="base", corrects=("inv", "fee"))
    by_line = commitment_lines(terms, november(), [billed, BilledLine(credit)], USD)
    by_note = commitment_lines(terms, november(), [replace(billed, credited=(Period(day(20), day(30)),))], USD)
    assert told(by_line) == told(by_note) == [("60.00", 0)]  # 66.67 less 6.67
