"""Finalising: a draft gets its number and is owed from then on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from farthing.billing.credit_notes.beyond import BeyondInvoices, Remaining
from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.charging import charged_one, charging, charging_one
from farthing.billing.invoices.drafting import (
    Name,
    Parties,
    boundary_draft,
    charge_lines,
    entered,
    recharged,
    redrafted,
)
from farthing.billing.invoices.holding import held_invoice
from farthing.billing.invoices.issuance import Issuance, Issuing
from farthing.billing.invoices.late import note_credits
from farthing.billing.invoices.rating import Rated, Rater
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice, Unbillable, found, still_draft
from farthing.billing.subscriptions.closing import boundary_at, closed, late_boundary
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.customers import CustomerBook
from farthing.identity import OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId
from farthing.kernel.problems import Unavailable
from farthing.pricing.checks import UnsoundInvoice
from farthing.pricing.totalling import Beyond

ATTEMPTS: Final = 5  # at finalising a draft whose subscription is being changed


@dataclass(frozen=True, slots=True)
class Finalizing:
    """The use case of making a draft an invoice, and of making one at once that a change asks for."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater
    issuance: Issuance
    beyond: BeyondInvoices

    def finalize(self, caller: Caller, reference: str) -> Invoice:
        """Number a draft and make it owed (rules 20, 21 and 26); raises InvoiceNotDraft, Unbillable.

        A subscription's draft is rated once more, before anything is held, and closes its boundary. Where its
        subscription changes meanwhile, that is done again.
        """
        for _ in range(ATTEMPTS):
            rated = self._rated(caller.organization, reference)
            with self.database.write() as connection:
                owner, current = held_invoice(connection, caller.organization, reference)
                draft = still_draft(current, "finalised")
                if rated is None or (owner is not None and _is_as_rated(owner, rated)):
                    return self._issued(connection, draft, owner, rated)
        raise Unavailable(f"The subscription of invoice {reference[:120]} is being changed; try again.")

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

    def _rated(self, organization: str, reference: str) -> Rated | None:
        """A subscription's draft priced anew; None for one of lines written by hand."""
        with self.database.read() as connection:
            draft = still_draft(found(InvoiceStore(connection).find(organization, reference), reference), "finalised")
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
        of = charging_one(connection, self.rater.catalog, parties.buyer, draft)
        issuing = self.issuance.begin(connection, seller, [draft.customer], of.credits)
        charged = charged_one(of, lines, parties.buyer, issuing.moment(draft.customer), draft)
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

    def _namer(self, now: datetime) -> Name:
        return lambda prefix: self.new_id(prefix, now)


def _is_as_rated(owner: Subscription, rated: Rated) -> bool:
    """Whether its subscription owes what it was rated at still: on the same terms, with nothing taken back since."""
    before = rated.due.subscription
    return owner.same_terms(before) and (owner.version == before.version or not rated.corrects)


def _touched(subscription: Subscription, now: datetime) -> Subscription:
    return replace(subscription, version=subscription.version + 1, updated_at=now)
