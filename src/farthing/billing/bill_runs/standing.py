"""What stands already of the subscriptions of a batch: how often each moment was invoiced, and what lines bill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from farthing.billing.credit_notes.models import credited_days
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.values import VOID
from farthing.pricing.calendar import Period, local_day
from farthing.pricing.checks import Billed, less

NEAR: Final = timedelta(days=2)  # within which every boundary of one local day lies
invoice, line = invoices.c, invoice_lines.c


@dataclass(slots=True)
class Standing:
    """By subscription: the boundaries of invoices that have a number, voided ones too, each with how many; and the
    lines of those that stand, each with its boundary, None of a change's own invoice; and the days that were given back
    of lines, by their ids."""

    made: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    billed: dict[str, list[tuple[datetime | None, Billed]]] = field(default_factory=dict)
    back: dict[str, list[Period]] = field(default_factory=dict)

    def made_on(self, subscription: str, day: date, timezone: str) -> int:
        """How many invoices have a boundary on this local day."""
        zone = ZoneInfo(timezone)
        return sum(count for at, count in self.made.get(subscription, ()) if local_day(at, zone) == day)

    def elsewhere(self, subscription: str, at: datetime | None) -> list[Billed]:
        """What its other invoices bill."""
        others = [one for boundary, one in self.billed.get(subscription, ()) if at is None or boundary != at]
        return [piece for one in others for piece in less(one, self.back.get(one.line, ()))]


def standing(connection: Connection, organization: str, rated: Sequence[Rated]) -> Standing:
    """What stands near these boundaries, in two questions."""
    found = Standing()
    if not rated:
        return found
    ids = sorted({one.due.subscription.id for one in rated})
    mine = (invoice.organization == organization) & invoice.subscription.in_(ids)
    moments = [one.due.boundary.at for one in rated]
    near = invoice.boundary.between(min(moments) - NEAR, max(moments) + NEAR)
    query = select(invoice.subscription, invoice.boundary, func.count()).where(
        mine, near, invoice.number.is_not(None), invoice.late.is_(None)
    )
    for subscription, at, count in connection.execute(query.group_by(invoice.subscription, invoice.boundary)):
        found.made.setdefault(subscription, []).append((at, count))
    spans = [each.period for one in rated for each in one.lines if each.period is not None]
    if spans:
        _add_lines(connection, organization, ids, spans, found)
    return found


def _add_lines(
    connection: Connection, organization: str, ids: Sequence[str], spans: Iterable[Period], found: Standing
) -> None:
    periods = list(spans)
    start, end = min(one.start for one in periods), max(one.end for one in periods)
    mine = (invoice.organization == organization) & invoice.subscription.in_(ids) & (invoice.status != VOID)
    query = (
        select(
            invoice.subscription, invoice.boundary, func.coalesce(invoice.number, invoice.id), line.price,
            line.group_values, line.reason, line.period_from, line.period_to, line.id, line.corrects_line,
        )
        .join(invoice_lines, line.invoice == invoice.id)
        .where(mine, line.period_from < end, line.period_to > start)
    )
    day = credited_days.c
    noted = (
        select(day.line, day.period_from, day.period_to)
        .join(invoice_lines, line.id == day.line).join(invoices, invoice.id == line.invoice)
        .where(mine, day.period_from < end, day.period_to > start)
    )
    for id, since, until in connection.execute(noted):
        found.back.setdefault(id, []).append(Period(since, until))
    for subscription, at, where, price, group, reason, since, until, id, corrected in connection.execute(query):
        if reason == "proration":
            found.back.setdefault(corrected, []).append(Period(since, until))
        elif price is not None:
            one = Billed(f"invoice {where}", price, tuple(group), reason, Period(since, until), id)
            found.billed.setdefault(subscription, []).append((at, one))
