"""What invoices say that was charged, read from their answers: by price and local day, with how far rounding can be."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.model.days import Days, local_day
from tests.model.life import Life
from tests.model.paper import Noted, Paper

UNDIVIDED = ("platform", "licence")  # prices without `prorate`
HALF = Fraction(1, 200)  # of a cent


def days_of(line: Mapping[str, Any], zone: str) -> Days:
    start, end = (datetime.fromisoformat(line["period"][side]) for side in ("from", "to"))
    return Days(local_day(start, zone), local_day(end, zone))


def fees_by_day(
    lines: Iterable[Noted], zone: str, corrected: Mapping[str, Noted]
) -> dict[tuple[str, date], tuple[Fraction, Fraction]]:
    """Net of credits, before discounts: the amount that fell on each day, and what rounding may have made of it."""
    found: dict[tuple[str, date], tuple[Fraction, Fraction]] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for one in lines:
        line = one.line
        if line["reason"] in ("fee", "proration") and line["price"] not in UNDIVIDED:
            days = days_of(line, zone)
            kept = corrected[line["corrects"]["line"]].kept if line["reason"] == "proration" else Fraction(1)
            error = HALF if line["reason"] == "fee" else 2 * HALF / kept
            for day in days.each():
                amount, slack = found[line["price"], day]
                found[line["price"], day] = (
                    amount + Fraction(one.entered, 100) / kept / len(days), slack + error / len(days)
                )
    return found


def whole_fees(lines: Iterable[Noted], zone: str, life: Life) -> dict[tuple[str, date], Fraction]:
    """What prices without `prorate` came to, by the start of their plan period."""
    found: dict[tuple[str, date], Fraction] = defaultdict(Fraction)
    for one in lines:
        if one.line["reason"] == "fee" and one.line["price"] in UNDIVIDED:
            segment = life.segment(days_of(one.line, zone).start)
            period = segment.lived(segment.plan_period(days_of(one.line, zone).start))
            found[one.line["price"], period.start] += Fraction(one.entered, 100)
    return found


def given_back(lines: Iterable[Noted], zone: str, paper: Paper) -> dict[tuple[str, Days], Fraction]:
    """What credit notes gave back of fees, before discounts, by price and all days of the lines together."""
    spans: dict[str, list[tuple[Days, Fraction]]] = defaultdict(list)
    for one in lines:
        back = paper.notes.get(one.line["id"])
        if back is not None and one.line["reason"] == "fee":
            spans[one.line["price"]].append((days_of(one.line, zone), Fraction(back, 100) / one.kept))
    found: dict[tuple[str, Days], Fraction] = {}
    for price, several in spans.items():
        for days, amount in sorted(several, key=lambda each: each[0].start):
            near = [(key, span) for key, span in found if key == price and span.end > days.start]
            for key, span in near:
                amount += found.pop((key, span))
                days = Days(min(span.start, days.start), max(span.end, days.end))
            found[price, days] = amount
    return found


def usage_by_stretch(
    lines: Iterable[Noted], zone: str, paper: Paper
) -> dict[tuple[str, Days], tuple[Fraction, Fraction] | None]:
    """What was charged less what was given back, before discounts, and what rounding may have made of it.

    None where all of a line was discounted: nothing of it can be given back, so nothing tells what it is now.
    """
    found: dict[tuple[str, Days], tuple[Fraction, Fraction] | None] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for one in lines:
        line = one.line
        if line["reason"] not in ("usage", "late_usage"):
            continue
        key = line["price"], days_of(line, zone)
        of = paper.lines[line["corrects"]["line"]] if one.entered < 0 else one
        for amount, kept in ((one.entered, of.kept if one.entered < 0 else Fraction(1)),
                             (-paper.notes.get(line["id"], 0), one.kept)):
            before = found[key]
            if before is None or (not one.kept and one.entered):
                found[key] = None
            elif amount:
                error = Fraction(0) if amount == one.entered and kept == 1 else 2 * HALF / kept
                found[key] = before[0] + Fraction(amount, 100) / kept, before[1] + error
    return found
