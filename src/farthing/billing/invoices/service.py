"""The use cases of invoices; `farthing.app` gives it what it needs, and it keeps no state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from farthing.billing.charges.store import ChargeStore
from farthing.billing.credit_notes.beyond import BeyondInvoices, Remaining
from farthing.billing.credit_notes.standing import uncorrected
from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.charging import Charged, Charging, charging
from farthing.billing.invoices.drafting import (
    Name,
    Parties,
    boundary_draft,
    charge_lines,
    entered,
    one_off_draft,
    one_off_lines,
    recharged,
    redrafted,
)
from farthing.billing.invoices.holding import held_invoice
from farthing.billing.invoices.issuance import Issuance, Issuing
from farthing.billing.invoices.late import forget_credits, note_credits
from farthing.billing.invoices.rating import Rated, Rater
from farthing.billing.invoices.schemas import InvoiceIn, InvoicePatch, OneOffLineIn
from farthing.billing.invoices.store import InvoiceStore, Search
from farthing.billing.invoices.values import (
    DRAFT,
    VOID,
    BadInvoice,
    Invoice,
    InvoiceNotDraft,
    Unbillable,
    found,
    voidable,
)
from farthing.billing.subscriptions.accounts import held_customer
from farthing.billing.subscriptions.closing import (
    boundary_at,
    closed,
    late_boundary,
    reopened,
    reopened_late,
)
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.billing.subscriptions.values import found as found_subscription
from farthing.customers import Customer, CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.pagination import Listing, Page
from farthing.kernel.problems import FieldError, Unavailable
from farthing.kernel.schemas import parsed
from farthing.kernel.web import UNCONDITIONAL, Precondition
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.checks import UnsoundInvoice, check_invoice
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, one_off_line
from farthing.pricing.totalling import Beyond, totals

ATTEMPTS: Final = 5  # at finalising a draft whose subscription is being changed


@dataclass(frozen=True, slots=True)
class Invoices:
    """Drafts, numbers, and what happens to an invoice afterwards."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater
    issuance: Issuance
    beyond: BeyondInvoices

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
            charged = self._charged(self._charging(connection, buyer), lines, buyer, now)
            draft = one_off_draft(charged, body.due_at, parties, now, self._namer(now))
            InvoiceStore(connection).add([draft])
        return draft

    def update(
        self, caller: Caller, reference: str, patch: object, precondition: Precondition = UNCONDITIONAL
    ) -> Invoice:
        """Change a draft's due date, and the lines of a one-off one; raises InvoiceNotDraft, BadInvoice, Stale."""
        with self.database.write() as connection:
            _, current = held_invoice(connection, caller.organization, reference)
            draft = _draft(current, "changed")
            precondition.demand(draft.version)
            changed = self._patched(connection, draft, patch)
            InvoiceStore(connection).save([(draft, changed)])
        return changed

    def delete(self, caller: Caller, reference: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Drop a draft; the next run makes a subscription's anew. Raises InvoiceNotDraft, Stale."""
        with self.database.write() as connection:
            _, current = held_invoice(connection, caller.organization, reference)
            draft = _draft(current, "deleted")
            precondition.demand(draft.version)
            InvoiceStore(connection).remove(draft.organization, [draft.id])

    def finalize(self, caller: Caller, reference: str) -> Invoice:
        """Number a draft and make it owed (rules 20, 21 and 26); raises InvoiceNotDraft, Unbillable.

        A subscription's draft is rated once more, before anything is held, and closes its boundary. Where its
        subscription changes meanwhile, that is done again.
        """
        for _ in range(ATTEMPTS):
            rated = self._rated(caller.organization, reference)
            with self.database.write() as connection:
                owner, current = held_invoice(connection, caller.organization, reference)
                draft = _draft(current, "finalised")
                if rated is None or (owner is not None and _is_as_rated(owner, rated)):
                    return self._issued(connection, draft, owner, rated)
        raise Unavailable(f"The subscription of invoice {reference[:120]} is being changed; try again.")

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

    def _rated(self, organization: str, reference: str) -> Rated | None:
        """A subscription's draft priced anew; None for one of lines written by hand."""
        with self.database.read() as connection:
            draft = _draft(found(InvoiceStore(connection).find(organization, reference), reference), "finalised")
            if draft.place is None:
                return None
            subscription, at = draft.place
            owner = SubscriptionStore(connection).many(organization, [subscription])[subscription]
        boundary = late_boundary(owner) if draft.late else boundary_at(owner, at)
        if boundary is None:
            raise Unbillable(f"Invoice {draft.id} belongs to a moment at which nothing is billed any more.")
        [rated] = self.rater.rate(organization, [Due(owner, boundary)], self.rater.follow(organization))
        if rated.refused or not (rated.lines or draft.charges):
            raise Unbillable(rated.refused or f"Invoice {draft.id} has nothing to bill; the next run drops it.")
        return rated

    def _issued(
        self, connection: Connection, draft: Invoice, owner: Subscription | None, rated: Rated | None
    ) -> Invoice:
        """Store a draft as the invoice it becomes; the number comes last, because others wait for the counter."""
        now = self.now(draft.organization)
        seller = self.organizations.get(draft.organization)
        parties = Parties(seller, self.customers.get(draft.organization, draft.customer))
        lines = entered(draft) if rated is None else [*rated.lines, *charge_lines(draft)]
        of = self._charging(connection, parties.buyer, draft)
        issuing = self.issuance.begin(connection, seller, [draft.customer], of.credits)
        charged = self._charged(of, lines, parties.buyer, issuing.moment(draft.customer), draft)
        if charged.refused is not None:
            raise Unbillable(f"Invoice {draft.id} cannot be finalised: {charged.refused}.")
        if not charged.done.lines:
            raise Unbillable(f"Invoice {draft.id} would be credits alone; the next run gives them back without it.")
        if owner is not None and rated is not None:
            ready = redrafted(draft, rated, charged, parties, now, self._namer(now))
            closing = closed(owner, rated.due.boundary, rated.late_through)
            SubscriptionStore(connection).save([_touched(closing, now)])
            note_credits(connection, draft.organization, [(draft.id, rated.lines, rated.position, rated.currency)])
        else:
            ready = replace(recharged(parties.on(draft), charged), version=draft.version + 1)
        of.spend(ready, charged.at)
        return self._numbered(issuing, draft, ready, owner, charged.done.beyond)

    def issue_own(self, connection: Connection, rated: Rated) -> bool:
        """Make the invoice that a change asked for (rule 14); whether it could be, which its tax decides."""
        owner = rated.due.subscription
        now = self.now(owner.organization)
        seller = self.organizations.get(owner.organization)
        parties = Parties(seller, self.customers.get(owner.organization, owner.customer))
        of = charging(connection, self.rater.catalog, owner.organization, [owner.customer], [owner.id])
        issuing = self.issuance.begin(connection, seller, [owner.customer], of.credits)
        try:
            at = issuing.moment(owner.customer)
            charged = of.charge(rated.lines, parties.buyer, rated.currency, at, owner.id)
        except UnsoundInvoice:
            return False
        if charged.refused is not None:
            return False
        if charged.done.lines:
            draft = boundary_draft(rated, charged, parties, now, self._namer(now))
            of.spend(draft, charged.at)
            self._numbered(issuing, None, draft, owner, charged.done.beyond)
        elif charged.done.beyond:
            remaining = [Remaining(None, charged.done.beyond)]
            self.beyond.number(connection, self.beyond.decide(connection, owner.organization, remaining, now))
        return True

    def _numbered(
        self, issuing: Issuing, draft: Invoice | None, ready: Invoice, owner: Subscription | None,
        beyond: Sequence[Beyond],
    ) -> Invoice:
        connection = issuing.numbers.connection
        remaining = [Remaining(ready.id, beyond)] if beyond else []
        noted = self.beyond.decide(connection, ready.organization, remaining, ready.updated_at)
        [issued] = issuing.issue([ready])
        invoice = replace(issued, updated_at=issued.issued_at or issued.updated_at)
        store = InvoiceStore(connection)
        if draft is None:
            store.add([invoice])
        else:
            store.save([(draft, invoice)])
        issuing.book([(invoice, owner.timezone if owner else "")])
        self.beyond.number(connection, noted)
        return invoice

    def _charging(self, connection: Connection, buyer: Customer, draft: Invoice | None = None) -> Charging:
        subscriptions = [draft.subscription] if draft is not None and draft.subscription is not None else []
        return charging(connection, self.rater.catalog, buyer.organization, [buyer.id], subscriptions)

    def _charged(
        self, of: Charging, lines: Sequence[Line], buyer: Customer, at: datetime, draft: Invoice | None = None
    ) -> Charged:
        """Lines with discounts and taxes as they are now; raises BadInvoice, or Unbillable for a draft of a run's."""
        subscription = None if draft is None else draft.subscription
        unit = currency(buyer.currency if draft is None else draft.currency)
        try:
            return of.charge(lines, buyer, unit, at, subscription, None if draft is None else draft.id)
        except UnsoundInvoice as error:
            if draft is not None:
                raise Unbillable(f"Invoice {draft.id} cannot be made: {error}") from error
            raise BadInvoice(str(error), [FieldError("lines", str(error))]) from error

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
        lines, of = _checked(body.lines, draft.currency), self._charging(connection, buyer, draft)
        done = self._charged(of, lines, buyer, changed.updated_at, draft).done
        named = one_off_lines(done.lines, self._namer(changed.updated_at))
        return replace(changed, lines=named, totals=done.totals, taxes=done.taxes)


def _is_as_rated(owner: Subscription, rated: Rated) -> bool:
    """Whether its subscription owes what it was rated at still: on the same terms, with nothing taken back since."""
    before = rated.due.subscription
    return owner.same_terms(before) and (owner.version == before.version or not rated.corrects)


def _reopened(owner: Subscription, invoice: Invoice) -> Subscription:
    """The subscription with what a voided invoice billed open again: its boundary, and what it took back (rule 20)."""
    if invoice.boundary is None or invoice.late:
        return reopened_late(owner)
    return reopened_late(reopened(owner, invoice.boundary))


def _touched(subscription: Subscription, now: datetime) -> Subscription:
    return replace(subscription, version=subscription.version + 1, updated_at=now)


def _draft(invoice: Invoice, what: str) -> Invoice:
    if invoice.status != DRAFT:
        raise InvoiceNotDraft(invoice, what)
    return invoice


def _checked(given: Sequence[OneOffLineIn], code: str) -> list[Line]:
    """One-off lines as lines of an invoice; raises BadInvoice."""
    unit = currency(code)
    lines = [one_off_line(each.description, each.quantity, each.unit_amount, unit, each.tax_code) for each in given]
    try:
        check_invoice(lines, totals(lines), unit)
    except UnsoundInvoice as error:
        raise BadInvoice(str(error), [FieldError("lines", str(error))]) from error
    return lines
