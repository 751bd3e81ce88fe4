"""What changes give back and charge: every day once, and all of a line exactly (rules 13 and 14)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.pricing.agreements import Agreement, Stretch, Terms, days_of, fee_stretches, outside, usage_segments
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period, local_day, start_of_day
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line
from farthing.pricing.prices import Billing, Flat, PerUnit, Price
from farthing.pricing.proration import BilledFee, adjusting_lines
from farthing.pricing.taxes import Treatment
from farthing.pricing.totalling import untaxed

USD = currency("USD")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia")
FIRST = date(2026, 3, 1)
DAYS = 31
TREATMENT = Treatment()


def fee(amount: str, prorate: bool = True) -> Price:
    return Price("base", "Base", Flat(Decimal(amount)), None, Billing.IN_ADVANCE, prorate=prorate)


SEATS = Price("seats", "Seats", PerUnit(Decimal("2.50")), None, Billing.IN_ADVANCE)
PLANS = {
    "small": (fee("10.00"),), "big": (fee("40.00"), SEATS), "free": (), "whole": (fee("7.00", prorate=False),),
    "seats": (SEATS,),
}


def midnight(day: int, zone: str) -> datetime:
    return start_of_day(FIRST + timedelta(days=day), ZoneInfo(zone))


def march(zone: str) -> Part:
    return Part(Period(midnight(0, zone), midnight(DAYS, zone)), DAYS, DAYS)


def agreed(changes: Sequence[tuple[int, str, int]], pauses: Sequence[tuple[int, int]], zone: str) -> Agreement:
    """Plans and seats from which day on, the last word of a day holding; and pauses from a day to another."""
    known = {0: ("small", 1)} | {day: (plan, seats) for day, plan, seats in sorted(changes, key=lambda one: one[0])}
    terms = tuple(
        (midnight(day, zone), Terms(plan, PLANS[plan], {"seats": Decimal(seats)})) for day, (plan, seats) in
        sorted(known.items())
    )
    return Agreement(terms, ZoneInfo(zone), tuple((midnight(a, zone), midnight(b, zone)) for a, b in pauses))


def billed_by(lines: Sequence[Line], before: Sequence[BilledFee], owed: Sequence[Stretch]) -> list[BilledFee]:
    """What is billed once these lines stand: charges are new, credits take days from the line that they name."""
    known = {one.line: one for one in before}
    for line in lines:
        assert line.period is not None
        if line.reason == "proration" and line.corrects is not None:
            was = known[line.corrects[1]]
            known[was.line] = replace(was, credited=(*was.credited, line.period), left=was.left + line.amount)
        else:
            price = next(one.price for one in owed if one.price.key == line.price and _has(one, line.period))
            quantity = next(one.quantity for one in owed if one.price.key == line.price and _has(one, line.period))
            days, of = line.prorated or (DAYS, DAYS)
            stretch = Stretch(price, quantity, line.period, days, of)
            id = f"line {len(known)}"
            known[id] = BilledFee(id, id, line.description, stretch, line.amount, ZERO, TREATMENT, (), line.amount)
    return list(known.values())


def _has(one: Stretch, period: Period) -> bool:
    return one.period.start <= period.start and period.end <= one.period.end


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, DAYS - 1), st.sampled_from(sorted(PLANS)), st.integers(1, 9)), max_size=4),
        st.sampled_from([(), ((3, 9),), ((0, 31),), ((5, 6), (20, 31)), ((10, 20),)]),
    ), min_size=1, max_size=6,
)


@given(steps=steps, zone=st.sampled_from(ZONES))
def test_every_day_is_charged_once_whatever_is_changed(
    steps: list[tuple[list[tuple[int, str, int]], tuple[tuple[int, int], ...]]], zone: str
) -> None:
    """On the terms of that day: what was billed before is given back exactly as far as it is not owed any more."""
    window = None, midnight(DAYS, zone)
    billed: list[BilledFee] = []
    for changes, pauses in steps:
        owed = fee_stretches(agreed(changes, pauses, zone), march(zone), Billing.IN_ADVANCE)
        lines = adjusting_lines(billed, owed, window, ZoneInfo(zone), USD)
        billed = billed_by(lines, billed, owed)
        assert adjusting_lines(billed, owed, window, ZoneInfo(zone), USD) == ()
        for key in ("base", "seats"):
            whole = any(not one.stretch.price.prorate and one.stretch.price.key == key for one in billed)
            if not whole:
                assert _charged(billed, key, ZoneInfo(zone)) == _owed(owed, key, ZoneInfo(zone))
        for one in billed:
            assert one.left >= ZERO
            if one.stretch.price.prorate and not list(outside(one.credited, [one.stretch.period])):
                assert one.left == ZERO


def _owed(owed: Sequence[Stretch], key: str, zone: ZoneInfo) -> dict[date, object]:
    return _by_day(((one.period, one.charges) for one in owed if one.price.key == key), zone)


def _charged(billed: Sequence[BilledFee], key: str, zone: ZoneInfo) -> dict[date, object]:
    pieces = (
        (days, one.stretch.charges) for one in billed if one.stretch.price.key == key
        for days in outside(one.credited, [one.stretch.period])
    )
    return _by_day(pieces, zone)


def _by_day(pieces: Iterable[tuple[Period, object]], zone: ZoneInfo) -> dict[date, object]:
    """Each local day with what is charged for it; none twice."""
    found: dict[date, object] = {}
    for period, charges in pieces:
        first = local_day(period.start, zone)
        for each in range(days_of(period, zone)):
            assert first + timedelta(days=each) not in found
            found[first + timedelta(days=each)] = charges
    return found


def test_a_line_that_is_given_back_in_parts_is_given_back_exactly() -> None:
    """Each part is the share of all days so far, less what came before (rule 14)."""
    [whole] = fee_stretches(agreed([], [], "UTC"), march("UTC"), Billing.IN_ADVANCE)
    billed = [BilledFee("i", "l", "Base", whole, Decimal("10.00"), Decimal("0.01"), TREATMENT, (), Decimal("9.99"))]
    parts = []
    for day in range(DAYS - 1, -1, -1):
        owed = fee_stretches(agreed([], [(day, DAYS)], "UTC"), march("UTC"), Billing.IN_ADVANCE)
        lines = adjusting_lines(billed, owed, (None, midnight(DAYS, "UTC")), ZoneInfo("UTC"), USD)
        parts += [line.amount for line in lines]
        billed = billed_by(lines, billed, owed)
    assert (len(parts), sum(parts)) == (DAYS, Decimal("-9.99"))


def test_no_more_is_given_back_than_is_left() -> None:
    """Of a line that credit notes had a part of (rule 20)."""
    [whole] = fee_stretches(agreed([], [], "UTC"), march("UTC"), Billing.IN_ADVANCE)
    billed = [BilledFee("i", "l", "Base", whole, Decimal("10.00"), ZERO, TREATMENT, (), Decimal("1.00"))]
    [line] = adjusting_lines(billed, [], (None, midnight(DAYS, "UTC")), ZoneInfo("UTC"), USD)
    assert (line.amount, line.reason, line.corrects) == (Decimal("-1.00"), "proration", ("i", "l"))


def test_a_change_waits_for_the_boundary_after_its_day() -> None:
    """And an earlier one that is open still takes what is its own (rule 14)."""
    [whole] = fee_stretches(agreed([], [], "UTC"), march("UTC"), Billing.IN_ADVANCE)
    billed = [BilledFee("i", "l", "Base", whole, Decimal("31.00"), ZERO, TREATMENT, (), Decimal("31.00"))]
    owed = fee_stretches(agreed([], [(5, 6), (20, 21)], "UTC"), march("UTC"), Billing.IN_ADVANCE)

    def found(after: int | None, until: int) -> list[Decimal]:
        window = None if after is None else midnight(after, "UTC"), midnight(until, "UTC")
        return [line.amount for line in adjusting_lines(billed, owed, window, ZoneInfo("UTC"), USD)]

    assert (found(None, 4), found(None, 5), found(5, 31), found(None, 31)) == (
        [], [Decimal("-1.00")], [Decimal("-1.00")], [Decimal("-1.00"), Decimal("-1.00")],
    )


@pytest.mark.parametrize(("fees", "credits", "kept", "beyond"), [
    (["10.00"], ["-3.00", "-4.00"], ["-3.00", "-4.00"], []),
    (["5.00"], ["-3.00", "-4.00"], ["-3.00", "-2.00"], ["2.00"]),
    ([], ["-3.00"], [], ["3.00"]), (["3.00"], ["-3.00", "-1.00"], ["-3.00"], ["1.00"]),
])
def test_credits_stay_in_order_as_far_as_what_is_left_lasts(
    fees: list[str], credits: list[str], kept: list[str], beyond: list[str]
) -> None:
    """The rest is for credit notes (rules 14 and 19)."""
    period = march("UTC").period
    lines = [Line("f", "base", (), period, Decimal(1), None, Decimal(each), "fee") for each in fees]
    lines += [
        Line("c", "base", (), period, Decimal(-1), None, Decimal(each), "proration", corrects=("i", str(n)))
        for n, each in enumerate(credits)
    ]
    done = untaxed(lines, [], USD)
    assert [str(line.amount) for line in done.lines if line.reason == "proration"] == kept
    assert [str(one.amount) for one in done.beyond] == beyond


def test_usage_is_split_by_plans_and_by_overrides_and_never_by_quantities() -> None:
    """Each part by its own tiers; what pauses take is not billed, and its days shrink the bounds (rules 9 and 14)."""
    calls = Price("calls", "Calls", PerUnit(Decimal("0.10")), "calls", Billing.IN_ARREARS)
    other = replace(calls, charge=PerUnit(Decimal("0.20")))
    texts = replace(calls, key="texts")
    terms = (
        (midnight(0, "UTC"), Terms("pro@1", (calls, texts), {})),
        (midnight(5, "UTC"), Terms("pro@1", (calls, texts), {"seats": Decimal(2)})),
        (midnight(10, "UTC"), Terms("pro@1", (other, texts), {})),
        (midnight(20, "UTC"), Terms("big@1", (other, texts), {})),
    )
    agreement = Agreement(terms, ZoneInfo("UTC"), ((midnight(12, "UTC"), midnight(14, "UTC")),))
    found = [
        (one.price.key, one.part.period.start.day - 1, one.part.days) for one in usage_segments(agreement, march("UTC"))
    ]
    assert found == [("calls", 0, 10), ("calls", 10, 8), ("calls", 20, 11), ("texts", 0, 18), ("texts", 20, 11)]
