"""I8: every line comes from its events."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection

from farthing.app import Farthing
from farthing.billing.invoices.billed import Due, billed_fees
from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.service import Invoices
from farthing.billing.invoices.values import DRAFT, VOID, Invoice
from farthing.billing.subscriptions.closing import boundary_at
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.pricing.arithmetic import plain
from farthing.verification.reading import every_invoice
from farthing.verification.values import Broken

CHUNK = 100
BILLED = ("usage", "fee")  # other reasons correct one of these


def rating(farthing: Farthing, organizations: Sequence[str] | None) -> Iterator[Broken]:
    """I8: rating the events up to the position that an invoice recorded gives its lines."""
    with farthing.database.read() as connection:
        billed = (
            one for one in every_invoice(connection, organizations)
            if one.place is not None and one.position is not None and one.status not in (DRAFT, VOID)
        )
        while chunk := list(islice(billed, CHUNK)):
            yield from _of(connection, farthing, chunk)


def _while_it_lived(one: Subscription | None) -> Subscription | None:
    """The subscription, without an end that came to stand where it began: before that it had a first boundary."""
    if one is None or one.ends_at is None or one.ends_at > one.life.begins_at:
        return one
    return replace(one, ends_at=None)


def _keeps_fees(connection: Connection, farthing: Farthing, one: Subscription) -> bool:
    """Whether nothing is open of a subscription that ends where it began, and not all of its fees were given back."""
    if one.next_boundary is not None or one.ends_at is None or one.ends_at > one.life.begins_at:
        return False
    catalog = farthing[Invoices].rater.catalog
    fees = billed_fees(connection, [one], catalog, catalog.tax_rates(one.organization, hold=False))
    return any(fee.left and fee.stretch.price.prorate for fee in fees.billed[one.id])


def _of(connection: Connection, farthing: Farthing, chunk: Sequence[Invoice]) -> Iterator[Broken]:
    """Rated together: those of one organisation that counted up to the same event."""
    together: dict[tuple[str, int], list[tuple[Invoice, Due]]] = {}
    for organization in dict.fromkeys(one.organization for one in chunk):
        mine = [one for one in chunk if one.organization == organization]
        wanted = [one.subscription for one in mine if one.subscription]
        owners = SubscriptionStore(connection).many(organization, wanted)
        for invoice in mine:
            if invoice.late:  # what came after the last boundary: corrections alone
                if any(line.reason in BILLED for line in invoice.lines):
                    yield Broken(organization, invoice.number or invoice.id, "bills usage or fees after the end")
                continue
            owner, at = _while_it_lived(owners.get(invoice.subscription or "")), invoice.boundary
            boundary = boundary_at(owner, at) if owner is not None and at is not None else None
            if owner is None or boundary is None:
                yield Broken(organization, invoice.number or invoice.id, "bills a moment at which nothing is billed")
                continue
            if _keeps_fees(connection, farthing, owners[owner.id]):
                yield Broken(organization, invoice.number or invoice.id, "keeps a fee of what ended where it began")
            together.setdefault((organization, invoice.position or 0), []).append((invoice, Due(owner, boundary)))
    for (organization, position), members in together.items():
        rated = farthing[Invoices].rater.rate(organization, [due for _, due in members], position)
        for (invoice, _), one in zip(members, rated, strict=True):
            if problem := _difference(invoice, one):
                yield Broken(organization, invoice.number or invoice.id, problem)


def _difference(invoice: Invoice, rated: Rated) -> str | None:
    """How an invoice differs from what its events come to; None when it does not.

    What changes have touched since is not charged so again: of such a subscription the usage is compared.
    """
    if rated.refused:
        return f"could not be made again: {rated.refused}"
    reasons = BILLED if rated.due.subscription.adjusted_from is None else ("usage",)
    stored = [
        (line.price, line.group, line.quantity, line.entered) for line in invoice.lines if line.reason in reasons
    ]
    again = [
        (line.price, line.group, plain(line.quantity), line.amount) for line in rated.lines if line.reason in reasons
    ]
    for place, (one, other) in enumerate(zip(stored, again, strict=False), start=1):
        if one != other:
            return f"line {place} says {_told(*one)}, its events say {_told(*other)}"
    if len(stored) != len(again):
        return f"has {len(stored)} lines, its events make {len(again)}"
    return None


def _told(price: str | None, group: object, quantity: str, amount: object) -> str:
    return f"{quantity} of {price}{f' {group}' if group else ''} for {amount}"
