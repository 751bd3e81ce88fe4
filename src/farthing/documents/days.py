"""Local days of a document; pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from farthing.billing import Issued
from farthing.pricing.calendar import Period

Days = tuple[date, date]


def local_day(at: datetime, timezone: str) -> date:
    """The day of an instant where it is read."""
    return at.astimezone(ZoneInfo(timezone)).date()


def days_of(period: Period, timezone: str) -> Days:
    """Its first and its last local day, the latter inside."""
    first = local_day(period.start, timezone)
    return first, max(first, local_day(period.end - timedelta(microseconds=1), timezone))


def issued_at(issued: Issued) -> datetime:
    """When the document was issued."""
    at = issued.invoice.issued_at if issued.note is None else issued.note.issued_at
    assert at is not None, "only what has a number is issued"
    return at


def issued_day(issued: Issued) -> date:
    """The seller's day on which it was issued."""
    return local_day(issued_at(issued), str(issued.invoice.seller["timezone"]))
