"""What invoices say that was charged, read from their answers: by price and local day, with how far rounding can be."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.model.days import Days, local_day
from tests.model.paper import Noted, Paper

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
        if line["reason"] in ("fee", "proration"):
            days = days_of(line, zone)
            kept = corrected[line["corrects"]["line"]].kept if line["reason"] == "proration" else Fraction(1)
            error = HALF if line["reason"] == "fee" else 2 * HALF / kept
            for day in days.each():
                amount, slack = found[line["price"], day]
                found[line["price"], day] = (
                    amount + Fraction(one.entered, 100) / kept / len(days), slack + error / len(days)
                )
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


def usage_by_stretch(lines: Iterable[Noted], zone: str) -> dict[tuple[str, Days], Fraction]:
    found: dict[tuple[str, Days], Fraction] = defaultdict(Fraction)
    for one in lines:
        if one.line["reason"] in ("usage", "late_usage"):
            found[one.line["price"], days_of(one.line, zone)] += Fraction(one.entered, 100)
    return found
