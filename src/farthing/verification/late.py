"""I8: what came late is billed, and no more than came."""

from collections.abc import Iterator, Sequence

from farthing.app import Farthing
from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.late import closed_usage
from farthing.billing.invoices.models import invoices
from farthing.billing.invoices.service import Invoices
from farthing.billing.subscriptions.agreed import agreement_of, versions_of
from farthing.billing.subscriptions.closing import late_boundary
from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.invoicing import Line
from farthing.usage import Arrival
from farthing.verification.reading import billed_subscriptions
from farthing.verification.values import Broken, organizations_in

ANYTHING = Arrival(None, None, None)


def late_usage(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I8: for each closed usage period, the lines that stand charge what its events come to, up to the position to
    which late ones are accounted for (rule 18). What was voided to be billed anew is left out until it is."""
    with farthing.database.read() as connection:
        for organization in organizations_in(connection, invoices, organizations):
            for owners in billed_subscriptions(connection, organization):
                yield from _of(farthing, organization, [one for one in owners if _is_accounted(one)])


def _is_accounted(one: Subscription) -> bool:
    return bool(one.late_through) and one.billed_through is not None and not one.still_open


def _of(farthing: Farthing, organization: str, owners: Sequence[Subscription]) -> Iterator[Broken]:
    """Asked for together where they are accounted for up to the same event."""
    rater = farthing[Invoices].rater
    meters = {meter.key: meter for meter in rater.catalog.meters(organization)}
    plans = rater.catalog.plans(organization, versions_of(owners))
    for position in sorted({one.late_through for one in owners}):
        asking = [
            (Due(one, late_boundary(one)), agreement_of(one, plans)) for one in owners if one.late_through == position
        ]
        touched = [[*closed_usage(due.subscription, agreed, [ANYTHING], meters)] for due, agreed in asking]
        for (due, _), found in zip(asking, rater.corrections(organization, asking, touched, position), strict=True):
            if problem := found if isinstance(found, str) else _told(found):
                yield Broken(organization, due.subscription.id, problem)


def _told(lines: Sequence[Line]) -> str:
    return "; ".join(
        f"{line.price} of the period from {line.period.start.isoformat() if line.period else '-'} lacks {line.amount}"
        for line in lines
    )
