"""The invoices that changes of a subscription ask for: without a boundary, made with the change (rule 14)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.finalizing import Finalizing
from farthing.billing.subscriptions.closing import closed
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.boundaries import Boundary


@dataclass(frozen=True, slots=True)
class OwnInvoices:
    """Makes them inside the transaction of the change; one whose day has not come waits for a bill run."""

    finalizing: Finalizing

    def make_due(self, connection: Connection, one: Subscription, now: datetime) -> Subscription:
        """The subscription after those that are due by now; one that cannot be made waits for a bill run to say why."""
        for asked in one.own_invoices:
            if asked.at > now:
                continue
            due = Due(one, Boundary(asked.at, None, None, None, None, asked.change))
            [rated] = self.finalizing.rater.rate(one.organization, [due], 0)
            if rated.refused is not None:
                continue
            if rated.lines and not self.finalizing.issue_own(connection, rated):
                continue
            one = closed(one, due.boundary)
            SubscriptionStore(connection).save([one])
        return one
