"""Periods, days and the fees for them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from farthing.billing.subscriptions.values import beginning, ending_at
from farthing.catalog.prices.reading import price_from
from farthing.kernel.clock import instant_from, instant_text
from farthing.pricing.agreements import Agreement, Terms, usage_segments
from farthing.pricing.boundaries import Life, boundaries
from farthing.pricing.calendar import Anchor, Interval, Schedule, Unit, local_day, periods, start_of_day
from farthing.pricing.invoicing import boundary_lines, fee_rating
from farthing.pricing.rating import GroupRating, Usage, rate
from worked_examples.pages import USD, d, section, table, usd

UTC_ZONE = ZoneInfo("UTC")
ARROW = " → "


def span(start: datetime, end: datetime, zone: ZoneInfo = UTC_ZONE) -> str:
    return f"{local_day(start, zone)}{ARROW}{local_day(end, zone)}"


def tiling() -> str:
    def row(anchor: Anchor, first: str, unit: Unit, count: int = 1) -> tuple[object, ...]:
        schedule = Schedule(date.fromisoformat(first), Interval(unit, count), anchor, UTC_ZONE)
        found = islice(periods(schedule), 4)
        return first, anchor.value, unit if count == 1 else f"{count} {unit}s", "<br>".join(
            span(one.start, one.end) for one in found
        )

    return section(
        "Periods", "rule 12",
        """Calendar periods start on the 1st, weeks on Monday, quarters in January, April, July and October. Anniversary
        periods start on the day of the month on which the subscription began, held to the last day of shorter months,
        and come back to their day.""",
        table(("begins", "anchor", "interval", "the first periods"), [
            row(Anchor.CALENDAR, "2026-01-15", "month"), row(Anchor.CALENDAR, "2026-01-15", "week"),
            row(Anchor.CALENDAR, "2026-02-15", "quarter"), row(Anchor.ANNIVERSARY, "2026-01-31", "month"),
            row(Anchor.ANNIVERSARY, "2024-02-29", "year"), row(Anchor.ANNIVERSARY, "2026-01-15", "week", 2),
        ]),
    )


def days() -> str:
    def row(zone: str, day: str) -> tuple[object, ...]:
        own, first = ZoneInfo(zone), date.fromisoformat(day)
        start, end = start_of_day(first, own), start_of_day(first + timedelta(days=1), own)
        return zone, day, instant_text(start), instant_text(end), f"{(end - start) / timedelta(hours=1):g}"

    return section(
        "Days and daylight saving", "rule 11",
        """Periods are cut at local midnight in the subscription's time zone. The day on which clocks change has 23 or
        25 hours; where midnight itself is skipped, the day begins at its first instant; a date that a zone left out
        lasts no time, and still counts as a day.""",
        table(("zone", "day", "begins (UTC)", "ends (UTC)", "hours"), [
            row("Europe/Berlin", "2026-03-28"), row("Europe/Berlin", "2026-03-29"), row("Europe/Berlin", "2026-10-25"),
            row("America/New_York", "2026-03-08"), row("America/Santiago", "2025-09-07"),
            row("Asia/Kathmandu", "2026-03-29"), row("Pacific/Apia", "2011-12-30"),
        ]),
    )


def borders() -> str:
    def row(zone: str, at: str) -> tuple[object, ...]:
        own, moment = ZoneInfo(zone), instant_from(at)
        first, _ = beginning(moment, own)
        return at, zone, first, local_day(ending_at(moment, own) - timedelta(microseconds=1), own)

    return section(
        "From when on, until when", "rule 13",
        """A start, a change or a resumption holds from the beginning of its local day on; a cancellation, a pause or an
        end until the end of its local day. An instant that is itself local midnight is the border.""",
        table(("said", "zone", "first day of what starts", "last day of what ends"), [
            row("UTC", "2026-10-15T14:30:00Z"), row("UTC", "2026-10-15T00:00:00Z"),
            row("Asia/Tokyo", "2026-10-15T14:30:00Z"),
            row("Asia/Tokyo", "2026-10-15T15:00:00Z"), row("America/Los_Angeles", "2026-10-15T02:00:00Z"),
        ]),
    )


def fees() -> str:
    fee: dict[str, object] = {
        "key": "base", "name": "Base fee", "model": "flat", "billing": "in_advance", "amount": "10.00",
    }
    seats = fee | {"key": "seats", "model": "per_unit", "unit_amount": "2.50"}
    del seats["amount"]

    def row(price: dict[str, object], words: str, used: int, of: int) -> tuple[object, ...]:
        found = fee_rating(price_from(price, USD), {"seats": d("3")}, USD, used, of)
        return words, f"{used} of {of}", found.exact, usd(found.amount)

    return section(
        "Fees for part of a period", "rule 13",
        """A fee is prorated by local calendar days: days used over the days of the full period. One without `prorate`
        is charged whole for each period in which it has a day.""",
        table(("fee", "days", "exact", "amount"), [
            row(fee, "10.00 a month", 17, 31), row(fee, "10.00 a month", 14, 31), row(fee, "10.00 a month", 1, 28),
            row(seats, "3 seats at 2.50", 10, 30), row(fee | {"prorate": False}, "10.00, not prorated", 1, 31),
        ]),
        "The first two rows are one month, cut on its 18th day: each day is charged once, and the parts come to 10.00.",
    )


def life() -> str:
    prices = [price_from(one, USD) for one in (
        {"key": "base", "name": "Base fee", "model": "flat", "billing": "in_advance", "amount": "10.00"},
        {"key": "support", "name": "Support", "model": "flat", "billing": "in_arrears", "amount": "5.00"},
        {"key": "calls", "name": "Calls", "model": "per_unit", "billing": "in_arrears", "unit_amount": "0.10",
         "meter": "calls"},
    )]
    schedule = Schedule(date(2026, 10, 15), Interval("month"), Anchor.CALENDAR, UTC_ZONE)
    terms = Terms(plan="plan", prices=tuple(prices), quantities={})
    agreement = Agreement(((start_of_day(schedule.first, UTC_ZONE), terms),), UTC_ZONE)
    lived = Life(schedule, schedule, datetime(2026, 12, 11, tzinfo=UTC))

    def rows() -> Iterator[tuple[object, ...]]:
        counted = {"2026-11-01": "120", "2026-12-01": "300", "2026-12-11": "45"}
        for boundary in boundaries(lived, None, datetime(2027, 1, 1, tzinfo=UTC)):
            quantity = d(counted.get(str(boundary.at.date()), "0"))
            ratings = [GroupRating((), rate(prices[2], Usage(quantity), USD))]
            segments = [] if boundary.used is None else usage_segments(agreement, boundary.used)
            lines = boundary_lines(agreement, boundary, [(one, ratings) for one in segments], USD)
            told = "<br>".join(
                f"{one.description}, {span(one.period.start, one.period.end)}: {usd(one.amount)}"
                for one in lines if one.period is not None
            )
            yield boundary.at.date(), told, usd(sum((one.amount for one in lines), Decimal("0.00")))

    return section(
        "A subscription from its first day to its last", "rules 19 and 25",
        """10.00 a month in advance, 5.00 a month in arrears and 0.10 a call, from 15 October until the end of
        10 December 2026, by the calendar. There is one invoice for each boundary: the first day, the end of each
        period, and the end itself. Usage comes first, then fees in arrears, then fees in advance.""",
        table(("boundary", "lines", "total"), rows()),
    )


SECTIONS = (tiling, days, borders, fees, life)
