"""The invoices that boundaries will have, from what is known by now; nothing is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.bill_runs.joining import joining
from farthing.billing.credit_notes.beyond import net_amounts
from farthing.billing.credit_notes.standing import standing_lines
from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.charging import Charged, Charging, charging
from farthing.billing.invoices.rating import Rated, Rater, refusal
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice
from farthing.billing.previews.values import ComingCredit, Upcoming
from farthing.billing.subscriptions.closing import due_boundaries
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.billing.wallets.values import GRANTED
from farthing.customers import Customer, CustomerBook
from farthing.kernel.clock import Clock, instant_text
from farthing.kernel.database import Database
from farthing.pricing.arithmetic import ZERO, exactly
from farthing.pricing.checks import UnsoundInvoice
from farthing.pricing.crediting import credited
from farthing.pricing.currencies import Currency
from farthing.pricing.discounts import GRANTED as DISCOUNT
from farthing.pricing.totalling import Beyond

Drafts = Mapping[datetime, Invoice]  # of one subscription, by boundary


@dataclass(frozen=True, slots=True)
class ComingInvoices:
    """Prices boundaries as a run would, with the coupons that are left by then and the charges that wait."""

    database: Database
    now: Clock
    customers: CustomerBook
    rater: Rater

    def invoices(self, due: Sequence[Due]) -> list[Upcoming | str]:
        """The invoice of each of these boundaries of one subscription, or why it cannot be made, in words.

        Each is by itself, and may be of the subscription as it would be after a change.
        """
        if not due:
            return []
        one = due[0].subscription
        buyer = self.customers.get(one.organization, one.customer)
        position = self.rater.follow(one.organization)
        rated = [self.rater.rate(one.organization, [*_before(each), each], position) for each in due]
        with self.database.read() as connection:
            drafts = _drafts(connection, one)
            return [
                self._invoice(connection, earlier, last, buyer, drafts) for *earlier, last in rated
            ]

    def _invoice(
        self, connection: Connection, earlier: Sequence[Rated], rated: Rated, buyer: Customer, drafts: Drafts
    ) -> Upcoming | str:
        if rated.refused is not None:
            return f"{rated.refused}."
        of, now = self._charging(connection, rated.due), self.now(buyer.organization)
        for each in earlier:
            _note(of, each, buyer, drafts.get(each.due.boundary.at), now)
        one, boundary = rated.due.subscription, rated.due.boundary
        draft = drafts.get(boundary.at) if boundary.change is None else None
        rated = _joined(connection, rated, draft)
        try:
            charged = of.charge(rated.lines, buyer, rated.currency, now, one.id, draft.id if draft else None)
        except UnsoundInvoice as error:
            return str(error)
        if charged.refused is not None:
            return f"{refusal(rated.due, charged.refused)}."
        credits = tuple(_credits(connection, one.organization, charged, rated.currency))
        return Upcoming(rated, buyer, charged.done, now, credits)

    def _charging(self, connection: Connection, due: Due) -> Charging:
        one = due.subscription
        return charging(connection, self.rater.catalog, one.organization, [one.customer], [one.id], hold=False)


def _before(due: Due) -> Iterator[Due]:
    """The open boundaries before one: what their invoices take and bill, its own does not."""
    for boundary in due_boundaries(due.subscription, due.boundary.at):
        if boundary.at < due.boundary.at and due.boundary.change is None:
            yield Due(due.subscription, boundary)


def _drafts(connection: Connection, one: Subscription) -> Drafts:
    drafts = InvoiceStore(connection).drafts_of(one.organization, [one.id])
    return {draft.boundary: draft for draft in drafts if draft.boundary is not None}


def _note(of: Charging, earlier: Rated, buyer: Customer, draft: Invoice | None, now: datetime) -> None:
    """Remember which coupons and how much credit an earlier boundary takes; one that cannot be made takes nothing."""
    name = draft.id if draft else instant_text(earlier.due.boundary.at)
    of.forget([name])
    try:
        charged = of.charge(earlier.lines, buyer, earlier.currency, now, earlier.due.subscription.id)
    except UnsoundInvoice:
        return
    taken = [discount for line in charged.done.lines for discount in line.discounts]
    for coupon in {each.coupon for each in taken}:
        of.used.setdefault(coupon, set()).add(name)
    with exactly():
        granted = sum((each.amount for each in taken if each.coupon == DISCOUNT), ZERO)
    of.credits.draw(GRANTED, buyer.id, earlier.currency.code, granted, now)


def _joined(connection: Connection, rated: Rated, draft: Invoice | None) -> Rated:
    """A boundary with the one-off charges that its draft has and that come to it (rule 26).

    They come to the customer's first invoice, and never to one that a change asked for (rule 14).
    """
    one, boundary = rated.due.subscription, rated.due.boundary
    if boundary.change is not None:
        return rated
    is_first = boundary.at == one.next_boundary
    first = is_first and SubscriptionStore(connection).first_due(one.organization, one.customer) == one.id
    coming = joining(connection, one.organization, [one.customer] if first else [], set(), hold=False)
    return coming.joined(rated, draft)


def _credits(connection: Connection, organization: str, charged: Charged, unit: Currency) -> Iterator[ComingCredit]:
    """The credit notes of what the invoice cannot bear, one for each invoice that charged it (rules 14 and 20)."""
    by_invoice: dict[str, list[Beyond]] = {}
    for one in charged.done.beyond:
        if one.line.corrects is not None:
            by_invoice.setdefault(one.line.corrects[0], []).append(one)
    invoices = InvoiceStore(connection).many(organization, sorted(by_invoice)) if by_invoice else []
    standing = standing_lines(connection, invoices)
    for invoice in invoices:
        amounts = net_amounts(by_invoice[invoice.id], standing, unit)
        parts = {line: credited(standing[line], amount, unit) for line, amount in amounts.items()}
        if parts:
            with exactly():
                subtotal = sum((part.amount for part in parts.values()), ZERO)
                tax_total = sum((part.tax for part in parts.values()), ZERO)
                yield ComingCredit(invoice.id, parts, subtotal, tax_total, subtotal + tax_total)
