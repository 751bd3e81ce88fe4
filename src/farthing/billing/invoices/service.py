"""The use cases of invoices; `farthing.app` gives it what it needs, and it keeps no state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from farthing.billing.charges.store import ChargeStore
from farthing.billing.credit_notes.standing import uncorrected
from farthing.billing.invoices.charging import charged_one, charging_one
from farthing.billing.invoices.drafting import Name, Parties, one_off_draft, one_off_lines
from farthing.billing.invoices.holding import held_invoice
from farthing.billing.invoices.issuance import Issuance
from farthing.billing.invoices.late import forget_credits
from farthing.billing.invoices.rating import Rater
from farthing.billing.invoices.schemas import InvoiceIn, InvoicePatch, OneOffLineIn
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.invoices.values import VOID, BadInvoice, Invoice, found, still_draft, voidable
from farthing.billing.subscriptions.accounts import held_customer
from farthing.billing.subscriptions.closing import reopened, reopened_late
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.billing.subscriptions.values import found as found_subscription
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
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, one_off_line
from farthing.pricing.totalling import totals


@dataclass(frozen=True, slots=True)
class Invoices:
    """Drafts, and what happens to an invoice afterwards."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater
    issuance: Issuance

    def get(self, organization: str, reference: str) -> Invoice:
        """By id or number; raises InvoiceNotFound."""
        with self.database.read() as connection:
            return found(InvoiceStore(connection).find(organization, reference), reference)

    def page(self, caller: Caller, search: Search, listing: Listing) -> Page[Invoice]:
        """The invoices, in the order they were drafted; raises CustomerNotFound, SubscriptionNotFound."""
        organization = caller.organization
        if search.customer is not None:
            search = replace(search, customer=self.customers.get(organization, search.customer).id)
        with self.database.read() as connection:
            if search.subscription is not None:
                named = SubscriptionStore(connection).find(organization, search.subscription)
                search = replace(search, subscription=found_subscription(named, search.subscription).id)
            rows = InvoiceStore(connection).page(organization, search, listing.position, listing.limit + 1)
        return listing.page(rows, lambda invoice: invoice.id)

    def create(self, caller: Caller, body: InvoiceIn) -> Invoice:
        """Draft an invoice of lines written by hand; raises CustomerNotFound, BadInvoice."""
        organization = caller.organization
        now = self.now(organization)
        with self.database.write() as connection:
            buyer = held_customer(connection, self.customers, organization, body.customer)
            if body.currency != buyer.currency:
                message = f"must be {buyer.currency}, in which the customer is billed (rule 23)"
                raise BadInvoice(f"currency {message}.", [FieldError("currency", message)])
            lines = _checked(body.lines, body.currency)
            parties = Parties(self.organizations.get(organization), buyer)
            charged = charged_one(charging_one(connection, self.rater.catalog, buyer), lines, buyer, now)
            draft = one_off_draft(charged, body.due_at, parties, now, self._namer(now))
            InvoiceStore(connection).add([draft])
        return draft

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Invoice:
        """Change a draft's due date, and the lines of a one-off one; raises InvoiceNotDraft, BadInvoice, Stale."""
        with self.database.write() as connection:
            _, current = held_invoice(connection, caller.organization, reference)
            draft = still_draft(current, "changed")
            precondition.demand(draft.version)
            changed = self._patched(connection, draft, patch)
            InvoiceStore(connection).save([(draft, changed)])
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Drop a draft; the next run makes a subscription's anew. Raises InvoiceNotDraft, Stale."""
        with self.database.write() as connection:
            _, current = held_invoice(connection, caller.organization, reference)
            draft = still_draft(current, "deleted")
            precondition.demand(draft.version)
            InvoiceStore(connection).remove(draft.organization, [draft.id])

    def void(self, caller: Caller, reference: str, rebill: bool) -> Invoice:
        """Take an invoice back; it keeps its number (rule 20). Raises InvoiceNotOpen, InvoiceCorrected.

        rebill  the next run bills the freed period and charges anew; else they stay closed
        """
        with self.database.write() as connection:
            owner, current = held_invoice(connection, caller.organization, reference)
            standing = uncorrected(connection, voidable(current))
            invoice = self._touched(replace(standing, status=VOID, credit_applied=ZERO, forgiven=not rebill))
            InvoiceStore(connection).save([(current, invoice)])
            self.issuance.take_back(connection, invoice)
            if rebill:
                ChargeStore(connection).free(invoice.organization, [invoice.id])
                forget_credits(connection, invoice.organization, [invoice.id])
            if owner is not None:
                again = _reopened(owner, invoice) if rebill else owner
                SubscriptionStore(connection).save([_touched(again, invoice.updated_at)])
        return invoice

    def _touched(self, invoice: Invoice) -> Invoice:
        return replace(invoice, version=invoice.version + 1, updated_at=self.now(invoice.organization))

    def _namer(self, now: datetime) -> Name:
        return lambda prefix: self.new_id(prefix, now)

    def _patched(self, connection: Connection, draft: Invoice, patch: object) -> Invoice:
        body = parsed(InvoicePatch, patch)
        changed = self._touched(draft)
        if "due_at" in body.model_fields_set:
            changed = replace(changed, due_at=body.due_at)
        if "lines" not in body.model_fields_set:
            return changed
        if draft.place is not None:
            message = "cannot be set: a subscription's lines are rated from its plan and usage"
            raise BadInvoice(f"lines {message}.", [FieldError("lines", message)])
        buyer = self.customers.get(draft.organization, draft.customer)
        lines, of = _checked(body.lines, draft.currency), charging_one(connection, self.rater.catalog, buyer, draft)
        done = charged_one(of, lines, buyer, changed.updated_at, draft).done
        named = one_off_lines(done.lines, self._namer(changed.updated_at))
        return replace(changed, lines=named, totals=done.totals, taxes=done.taxes)


def _reopened(owner: Subscription, invoice: Invoice) -> Subscription:
    """The subscription with what a voided invoice billed open again: its boundary, and what it took back (rule 20)."""
    if invoice.boundary is None or invoice.late:
        return reopened_late(owner)
    return reopened_late(reopened(owner, invoice.boundary))


def _touched(subscription: Subscription, now: datetime) -> Subscription:
    return replace(subscription, version=subscription.version + 1, updated_at=now)


def _checked(given: Sequence[OneOffLineIn], code: str) -> list[Line]:
    """One-off lines as lines of an invoice; raises BadInvoice."""
    unit = currency(code)
    lines = [one_off_line(each.description, each.quantity, each.unit_amount, unit, each.tax_code) for each in given]
    try:
        check_invoice(lines, totals(lines), unit)
    except UnsoundInvoice as error:
        raise BadInvoice(str(error), [FieldError("lines", str(error))]) from error
    return lines
