"""The use cases of invoices; `farthing.app` gives it what it needs, and it keeps no state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from farthing.billing.invoices.drafting import Parties, boundary_draft, one_off_draft
from farthing.billing.invoices.numbers import Numbers
from farthing.billing.invoices.rating import Due, Rater
from farthing.billing.invoices.schemas import InvoiceIn, InvoicePatch, OneOffLineIn
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.invoices.values import (
    DRAFT,
    OPEN,
    VOID,
    BadInvoice,
    Invoice,
    InvoiceLine,
    InvoiceNotDraft,
    InvoiceNotFound,
    InvoiceNotOpen,
    Settlement,
    Unbillable,
    numbered,
    paid,
    voidable,
)
from farthing.billing.subscriptions.closing import boundary_at, closed, reopened
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError
from farthing.kernel.schemas import parsed
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, one_off_line, totals

SERIES = "INV"


@dataclass(frozen=True, slots=True)
class Invoices:
    """Drafts, numbers, and what happens to an invoice afterwards."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater

    def get(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""
        with self.database.read() as connection:
            return found(InvoiceStore(connection).find(organization, reference), reference)

    def page(self, caller: Caller, search: Search, listing: Listing) -> Page[Invoice]:
        with self.database.read() as connection:
            store = InvoiceStore(connection)
            rows = store.page(caller.organization, search, listing.position, listing.limit + 1)
        return listing.page(rows, lambda invoice: invoice.id)

    def create(self, caller: Caller, body: InvoiceIn) -> Invoice:
        """Draft an invoice of lines written by hand; raises CustomerNotFound, BadInvoice."""
        with self.database.write() as connection:
            parties = self._parties(caller.organization, body.customer)
            if body.currency != parties.buyer.currency:
                message = f"must be {parties.buyer.currency}, in which the customer is billed (rule 23)"
                raise BadInvoice(f"currency {message}.", [FieldError("currency", message)])
            lines = _checked(body.lines, body.currency)
            draft = one_off_draft(lines, body.due_at, parties, self.now(caller.organization), self.new_id)
            InvoiceStore(connection).add([draft])
        return draft

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Invoice:
        """Change a draft's due date, and the lines of a one-off one; raises InvoiceNotDraft, BadInvoice, Stale."""
        with self.database.write() as connection:
            store = InvoiceStore(connection)
            draft = _draft(found(store.find(caller.organization, reference, lock=True), reference), "changed")
            precondition.demand(draft.version)
            changed = self._patched(draft, patch, self.now(caller.organization))
            store.save([changed], with_lines=True)
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Drop a draft; the next run makes a subscription's anew. Raises InvoiceNotDraft, Stale."""
        with self.database.write() as connection:
            store = InvoiceStore(connection)
            draft = _draft(found(store.find(caller.organization, reference, lock=True), reference), "deleted")
            precondition.demand(draft.version)
            store.remove([draft])

    def finalize(self, caller: Caller, reference: str) -> Invoice:
        """Number a draft and make it owed (rules 20, 21 and 26); raises InvoiceNotDraft, Unbillable.

        A subscription's draft is rated once more and closes its boundary.
        """
        organization = caller.organization
        position = self.rater.follow(organization)
        with self.database.write() as connection:
            store, subscriptions = InvoiceStore(connection), SubscriptionStore(connection)
            subscription = self._owner(subscriptions, organization, reference)
            draft = _draft(found(store.find(organization, reference, lock=True), reference), "finalised")
            if subscription is not None and draft.boundary is not None:
                self._close(subscriptions, subscription, draft.boundary)
                draft = self._rated_again(subscription, draft, position)
            timezone = self.organizations.get(organization).timezone
            numbers = Numbers(connection, organization, timezone)
            [number], issued_at = numbers.take(SERIES, 1, lambda: self.now(organization))
            invoice = replace(numbered(draft, number, issued_at), version=draft.version + 1, updated_at=issued_at)
            store.save([invoice], with_lines=True)
        return invoice

    def void(self, caller: Caller, reference: str, rebill: bool) -> Invoice:
        """Take an invoice back; it keeps its number (rule 20). Raises InvoiceNotOpen.

        rebill  the next run bills the freed period anew; else its boundary stays closed
        """
        organization = caller.organization
        with self.database.write() as connection:
            store, subscriptions = InvoiceStore(connection), SubscriptionStore(connection)
            subscription = self._owner(subscriptions, organization, reference)
            current = voidable(found(store.find(organization, reference, lock=True), reference))
            invoice = self._touched(replace(current, status=VOID))
            store.save([invoice], with_lines=True)
            if subscription is not None and invoice.boundary is not None and rebill:
                self._reopen(subscriptions, subscription, invoice.boundary)
        return invoice

    def owed(self, organization: str, reference: str) -> Invoice:
        """The invoice, locked for a payment; raises InvoiceNotFound, InvoiceNotOpen."""
        with self.database.write() as connection:
            invoice = found(InvoiceStore(connection).find(organization, reference, lock=True), reference)
            if invoice.status != OPEN:
                raise InvoiceNotOpen(f"Invoice {invoice.id} is {invoice.status}; only an open invoice takes payments.")
            return invoice

    def settle(self, organization: str, reference: str, settlement: Settlement) -> Invoice:
        """Note money that came in, at most what is due; raises InvoiceNotFound, InvoiceNotOpen."""
        with self.database.write() as connection:
            invoice = self._touched(paid(self.owed(organization, reference), settlement))
            store = InvoiceStore(connection)
            store.save([invoice])
            store.settle(invoice, settlement)
        return invoice

    def _parties(self, organization: str, customer: str) -> Parties:
        return Parties(self.organizations.get(organization), self.customers.get(organization, customer))

    def _touched(self, invoice: Invoice) -> Invoice:
        return replace(invoice, version=invoice.version + 1, updated_at=self.now(invoice.organization))

    def _owner(self, store: SubscriptionStore, organization: str, reference: str) -> Subscription | None:
        """The subscription of an invoice, locked before the invoice itself, as bill runs do."""
        invoice = found(InvoiceStore(store.connection).find(organization, reference), reference)
        if invoice.subscription is None:
            return None
        return store.many(organization, [invoice.subscription], lock=True)[invoice.subscription]

    def _rated_again(self, subscription: Subscription, draft: Invoice, position: int) -> Invoice:
        boundary = boundary_at(subscription, draft.boundary) if draft.boundary else None
        if boundary is None:
            raise Unbillable(f"Invoice {draft.id} belongs to a moment at which nothing is billed any more.")
        [rated] = self.rater.rate(draft.organization, [Due(subscription, boundary)], position)
        if rated.refused or not rated.lines:
            raise Unbillable(rated.refused or f"Invoice {draft.id} has nothing to bill; the next run drops it.")
        parties = self._parties(draft.organization, draft.customer)
        return boundary_draft(rated, draft, parties, position, self.now(draft.organization), self.new_id)

    def _close(self, store: SubscriptionStore, subscription: Subscription, boundary: datetime) -> None:
        organization = subscription.organization
        still_open = store.open_boundaries(organization, [subscription.id]).get(subscription.id, ())
        changed, remaining = closed(subscription, boundary, still_open)
        store.close(organization, [(subscription.id, boundary)])
        store.reopen(organization, subscription.id, remaining)
        store.save([replace(changed, version=changed.version + 1, parked=None)])

    def _reopen(self, store: SubscriptionStore, subscription: Subscription, boundary: datetime) -> None:
        still_open = store.open_boundaries(subscription.organization, [subscription.id]).get(subscription.id, ())
        changed, remaining = reopened(subscription, boundary, still_open)
        store.reopen(subscription.organization, subscription.id, remaining)
        store.save([replace(changed, version=changed.version + 1)])

    def _patched(self, draft: Invoice, patch: object, now: datetime) -> Invoice:
        body = parsed(InvoicePatch, patch)
        changed = replace(draft, version=draft.version + 1, updated_at=now)
        if "due_at" in body.model_fields_set:
            changed = replace(changed, due_at=body.due_at)
        if body.lines is None:
            return changed
        if not draft.one_off:
            message = "cannot be set: a subscription's lines are rated from its plan and usage"
            raise BadInvoice(f"lines {message}.", [FieldError("lines", message)])
        lines = _checked(body.lines, draft.currency)
        stored = tuple(InvoiceLine.of(self.new_id("lin", now), line) for line in lines)
        return replace(changed, lines=stored, totals=totals(lines))


def found(invoice: Invoice | None, reference: str) -> Invoice:
    if invoice is None:
        raise InvoiceNotFound(reference)
    return invoice


def _draft(invoice: Invoice, what: str) -> Invoice:
    if invoice.status != DRAFT:
        raise InvoiceNotDraft(invoice, what)
    return invoice


def _checked(given: Sequence[OneOffLineIn], code: str) -> list[Line]:
    """One-off lines as lines of an invoice; raises BadInvoice."""
    unit = currency(code)
    lines = [one_off_line(line.description, line.quantity, line.unit_amount, unit) for line in given]
    try:
        check_invoice(lines, totals(lines), unit)
    except UnsoundInvoice as error:
        raise BadInvoice(str(error), [FieldError("lines", str(error))]) from error
    return lines

