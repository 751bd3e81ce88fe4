"""What invoices say that was charged, read from their answers: by price and local day, with how far rounding can be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.model.days import Days, local_day

Invoice = Mapping[str, Any]
HALF = Fraction(1, 200)  # of a cent


def standing(invoices: Iterable[Invoice], subscription: str) -> Iterator[tuple[Invoice, Mapping[str, Any]]]:
    """The lines of a subscription on invoices that are not void."""
    for invoice in invoices:
        if invoice["status"] != "void":
            yield from ((invoice, line) for line in invoice["lines"] if invoice["subscription"] == subscription)


def days_of(line: Mapping[str, Any], zone: str) -> Days:
    start, end = (datetime.fromisoformat(line["period"][side]) for side in ("from", "to"))
    return Days(local_day(start, zone), local_day(end, zone))


def fees_by_day(
    lines: Iterable[Mapping[str, Any]], zone: str
) -> dict[tuple[str, date], tuple[Fraction, Fraction]]:
    """Net of credits: the amount that fell on each day, and what rounding may have made of it."""
    found: dict[tuple[str, date], tuple[Fraction, Fraction]] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for line in lines:
        if line["reason"] in ("fee", "proration"):
            days = days_of(line, zone)
            error = HALF if line["reason"] == "fee" else 2 * HALF
            for day in days.each():
                amount, slack = found[line["price"], day]
                found[line["price"], day] = (
                    amount + Fraction(line["amount"]) / len(days), slack + error / len(days)
                )
    return found


def usage_by_stretch(lines: Iterable[Mapping[str, Any]], zone: str) -> dict[tuple[str, Days], Fraction]:
    found: dict[tuple[str, Days], Fraction] = defaultdict(Fraction)
    for line in lines:
        if line["reason"] in ("usage", "late_usage"):
            found[line["price"], days_of(line, zone)] += Fraction(line["amount"])
    return found
