"""At which position of the events each boundary of a subscription was first closed (rules 18 and 25)."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from farthing.billing.invoices.models import closed_without_invoice, invoices
from farthing.billing.subscriptions.values import Subscription
from farthing.kernel.database import insert_unless_there
from farthing.usage import Closed

invoice, alone = invoices.c, closed_without_invoice.c


class ClosedBoundary(NamedTuple):
    """A boundary that was closed, and up to which event it counted."""

    subscription: str
    boundary: datetime
    position: int


def note_closed(connection: Connection, organization: str, closed: Iterable[ClosedBoundary]) -> None:
    """Remember boundaries that are closed without an invoice; one that was so before stays as it was."""
    rows = [{"organization": organization} | one._asdict() for one in sorted(closed)]
    if rows:
        insert_unless_there(connection, closed_without_invoice, *rows)


def closings(
    connection: Connection, organization: str, owners: Iterable[Subscription]
) -> dict[str, tuple[Closed, ...]]:
    """The usage periods of these subscriptions that were ever closed, and those left open among them, by time.

    A voided invoice counts: its period was closed, and what came since is late however often it is billed anew. What
    lies before the first usage period belongs to it.
    """
    by_id = {one.id: one for one in owners}
    found: dict[str, dict[datetime, int | None]] = {
        id: dict.fromkeys(at for at in one.still_open if at > one.life.begins_at)
        for id, one in by_id.items()
    }
    for id, at, position in _positions(connection, organization, sorted(by_id)):
        known = found[id].get(at)
        if at > by_id[id].life.begins_at:
            found[id][at] = position if known is None else min(known, position)
    return {id: tuple(Closed(*one) for one in sorted(known.items())) for id, known in found.items()}


def _positions(connection: Connection, organization: str, ids: list[str]) -> Iterable[ClosedBoundary]:
    """From invoices that have a number, and from what was closed without one."""
    mine = (invoice.organization == organization) & invoice.subscription.in_(ids)
    of_boundary = invoice.boundary.is_not(None) & invoice.change.is_(None) & invoice.late.is_(None)
    billed = select(invoice.subscription, invoice.boundary, func.min(invoice.position)).where(
        mine, of_boundary, invoice.number.is_not(None), invoice.position.is_not(None)
    )
    others = select(alone.subscription, alone.boundary, alone.position).where(
        alone.organization == organization, alone.subscription.in_(ids)
    )
    for query in (billed.group_by(invoice.subscription, invoice.boundary), others):
        yield from (ClosedBoundary(*row) for row in connection.execute(query))
