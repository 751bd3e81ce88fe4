"""One-off charges: which invoice of a run they join (rule 26)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from farthing.billing.charges.store import ChargeStore
from farthing.billing.charges.values import Charge
from farthing.billing.invoices.drafting import charge_lines
from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.values import Invoice


@dataclass(slots=True)
class Joining:
    """The charges that wait, while a run goes through its boundaries in order; stores nothing.

    waiting   by customer, oldest first
    invoiced  the customers that had their first invoice of the run, to which later charges do not come any more
    """

    waiting: Mapping[str, Sequence[Charge]]
    invoiced: set[str]

    def joined(self, rated: Rated, draft: Invoice | None) -> Rated:
        """A boundary with the charges that its draft has and those that come to it: last in order (rule 19).

        Call `note` once it is sure to be an invoice: a boundary that is parked takes none.
        """
        customer = rated.due.subscription.customer
        coming = [] if customer in self.invoiced else self.waiting.get(customer, ())
        new = [one.line for one in coming if one.currency == rated.due.subscription.currency]
        kept = [] if draft is None else charge_lines(draft)
        return replace(rated, lines=(*rated.lines, *kept, *new)) if kept or new else rated

    def note(self, rated: Rated) -> None:
        """Remember whose first invoice of the run this is."""
        self.invoiced.add(rated.due.subscription.customer)


def joining(
    connection: Connection, organization: str, customers: Collection[str], invoiced: set[str], hold: bool
) -> Joining:
    """What may join the invoices of these customers; held, nobody takes it back meanwhile."""
    wanted = [one for one in customers if one not in invoiced]
    return Joining(ChargeStore(connection).waiting(organization, sorted(wanted), hold), invoiced)
