"""I4: nothing is billed twice."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import Connection, func, select

from farthing.app import Farthing
from farthing.billing.charges.models import charges
from farthing.billing.credit_notes.models import credited_days
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import VOID
from farthing.pricing.agreements import outside
from farthing.pricing.calendar import Period
from farthing.pricing.checks import Billed
from farthing.verification.values import Broken, organizations_in, streamed

CHARGES = ("usage", "fee")  # other reasons correct one of these and name it


def once(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I4: of invoices that are not void, no two lines bill a subscription's price and group for the same time,
    and a one-off charge is a line of the invoice on which it stands, and of no other."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            yield from _of(connection, organization)
            yield from _charges(connection, organization)


def _of(connection: Connection, organization: str) -> Iterator[Broken]:
    line, invoice = invoice_lines.c, invoices.c
    standing = (invoice.organization == organization) & (invoice.status != VOID) & invoice.subscription.is_not(None)
    place = (invoice.subscription, line.price, line.group_values, line.reason)
    query = (
        select(*place, line.period_from, line.period_to, line.id, line.invoice)
        .join(invoices, invoice.id == line.invoice)
        .where(standing, line.reason.in_(CHARGES), line.period_from.is_not(None))
        .order_by(*place, line.period_from, line.period_to)
    )
    back = _given_back(connection, organization)
    for same, rows in groupby(streamed(connection, query), key=lambda row: tuple(row[:4])):
        pieces = [
            Billed(row.invoice, same[1], (), same[3], period, row.id) for row in rows
            for period in outside(back.get(row.id, ()), [Period(row.period_from, row.period_to)])
        ]
        yield from _overlapping(organization, str(same[0]), pieces)


def _overlapping(organization: str, subscription: str, pieces: Sequence[Billed]) -> Iterator[Broken]:
    last: Billed | None = None
    for one in sorted(pieces, key=lambda piece: (piece.period.start, piece.period.end)):
        if last is not None and one.period.start < last.period.end:
            start, until = one.period.start.isoformat(), last.period.end.isoformat()
            yield Broken(
                organization, one.line, f"{one.price} of {subscription} on invoice {one.where} bills time from {start} "
                f"on that line {last.line} bills already, up to {until}",
            )
        if last is None or one.period.end > last.period.end:
            last = one


def _given_back(connection: Connection, organization: str) -> dict[str, list[Period]]:
    """The days that credits of standing invoices, and credit notes, gave back, by the line that had them (rule 14)."""
    line, invoice = invoice_lines.c, invoices.c
    query = (
        select(line.corrects_line, line.period_from, line.period_to)
        .join(invoices, invoice.id == line.invoice)
        .where(invoice.organization == organization, invoice.status != VOID, line.reason == "proration")
    )
    found: dict[str, list[Period]] = {}
    day = credited_days.c
    noted = select(day.line, day.period_from, day.period_to).where(day.organization == organization)
    for corrected, start, end in (*connection.execute(query), *connection.execute(noted)):
        found.setdefault(corrected, []).append(Period(start, end))
    return found


def _charges(connection: Connection, organization: str) -> Iterator[Broken]:
    """Lines that bill a charge which stands elsewhere, or another amount than its own; and charges without a line."""
    line, invoice, charge = invoice_lines.c, invoices.c, charges.c
    standing = (
        select(line.charge, line.invoice, func.coalesce(line.entered, line.amount).label("amount"))
        .join(invoices, invoice.id == line.invoice)
        .where(invoice.organization == organization, invoice.status != VOID, line.charge.is_not(None))
    ).subquery()
    query = (
        select(charge.id, charge.invoice, charge.amount, standing.c.invoice, standing.c.amount, invoice.status)
        .outerjoin(standing, standing.c.charge == charge.id).outerjoin(invoices, invoice.id == charge.invoice)
        .where(charge.organization == organization)
    )
    for id, on, amount, billed, entered, status in streamed(connection, query):
        if on != billed and (billed is not None or status != VOID):
            yield Broken(organization, id, f"stands on {on or 'no invoice'}, its line is on {billed or 'none'}")
        elif billed is not None and amount != entered:
            yield Broken(organization, id, f"is {amount} in minor units, its line on {billed} is {entered}")
