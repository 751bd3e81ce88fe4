"""I8: true-ups are what commitments lack."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from farthing.app import Farthing
from farthing.billing.invoices.committed_lines import stored_lines
from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.values import VOID
from farthing.billing.subscriptions.agreed import agreement_of, versions_of
from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.boundaries import Part, boundaries
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import commitment_lines
from farthing.pricing.currencies import currency
from farthing.verification.reading import billed_subscriptions
from farthing.verification.values import Broken, organizations_in


def true_ups(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I8: for each plan period that is billed, the true-ups that stand are what its other lines lack of the plan's
    commitment, corrections and all."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            for owners in billed_subscriptions(connection, organization):
                yield from _of(connection, farthing, organization, owners)


def _of(
    connection: Connection, farthing: Farthing, organization: str, owners: Sequence[Subscription]
) -> Iterator[Broken]:
    catalog = farthing[Invoices].rater.catalog
    plans = catalog.plans(organization, versions_of(owners))
    agreed = {one.id: agreement_of(one, plans) for one in owners}
    waiting = _freed(connection, organization)
    parts = {
        one.id: list(_closed(one)) for one in owners if agreed[one.id].is_committed and one.id not in waiting
    }
    spans = {id: Period(several[0].period.start, several[-1].period.end) for id, several in parts.items() if several}
    stored = stored_lines(connection, organization, catalog.tax_rates(organization, hold=False), spans)
    for id, lines in stored.items():
        billed = [each.billed for each in lines if not each.is_draft]
        unit = currency(next(one.currency for one in owners if one.id == id))
        for part in parts[id]:
            for line in commitment_lines(agreed[id], part, billed, unit):
                day = part.period.start.isoformat()
                yield Broken(organization, id, f"the commitment of the plan period from {day} lacks {line.amount}")


def _freed(connection: Connection, organization: str) -> set[str]:
    """The subscriptions that have still to be billed anew for what a change's own invoice billed."""
    mine = (invoices.c.organization == organization) & (invoices.c.status == VOID) & invoices.c.change.is_not(None)
    query = select(invoices.c.subscription).where(mine, invoices.c.forgiven.is_not(True))
    return set(connection.execute(query).scalars())


def _closed(one: Subscription) -> Iterator[Part]:
    """The plan periods all of whose boundaries are closed; the last may wait for the next one where a change ended
    it."""
    if one.billed_through is None:
        return
    borders = {era.begins_at for era in one.life.later}
    for boundary in boundaries(one.life, None, one.billed_through):
        part = boundary.ended
        if part is None or (boundary.at == one.billed_through and boundary.at in borders):
            continue
        if not any(part.period.start <= at <= part.period.end for at in one.still_open):
            yield part
