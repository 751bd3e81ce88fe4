"""The work of a bill run: find what is due, price it, and write it in short transactions (rules 25 and 26)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from farthing.billing.bill_runs.batches import Batch, Terms
from farthing.billing.bill_runs.joining import joining
from farthing.billing.bill_runs.standing import standing
from farthing.billing.bill_runs.store import BillRunStore
from farthing.billing.bill_runs.values import BillRun, Parked
from farthing.billing.credit_notes.beyond import BeyondInvoices, left_of
from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.charging import charging
from farthing.billing.invoices.closings import note_closed
from farthing.billing.invoices.issuance import Issuance, Issuing
from farthing.billing.invoices.late import note_credits
from farthing.billing.invoices.rating import Rated, Rater
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.journal.releasing import Releases
from farthing.billing.subscriptions.closing import due_boundaries, late_boundary
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.billing.wallets.expiring import Expiries
from farthing.customers import Customer, CustomerBook
from farthing.identity import Organization, OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database, again_if_stopped
from farthing.kernel.ids import NewId
from farthing.pricing.boundaries import Boundary

CHUNK: Final = 50  # boundaries a transaction: few enough that other writers do not wait long

_Open = tuple[Subscription, Sequence[Boundary]]  # a subscription and its boundaries that are open


@dataclass(slots=True)
class _Pass:
    """What a run knows while it goes on.

    position  the events up to here count, for all its invoices alike but those looked at again
    parked    by subscription, why it cannot be billed
    moved     subscriptions that others changed meanwhile: looked at again at the end
    invoiced  the customers that had their first invoice of the run
    """

    seller: Organization
    position: int
    parked: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    invoiced: set[str] = field(default_factory=set)

    def copy(self) -> "_Pass":
        """To go on with, as long as the transaction may still be stopped."""
        return replace(self, parked=dict(self.parked), moved=set(self.moved), invoiced=set(self.invoiced))


@dataclass(frozen=True, slots=True)
class Running:
    """Carries out runs; what becomes of a boundary is decided by its batch, here it is put in order and written."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater
    releases: Releases
    issuance: Issuance
    expiries: Expiries
    beyond: BeyondInvoices

    def steps(self, run: BillRun) -> Iterator[BillRun]:
        """The run after each of its transactions, with which it is stored."""
        if not run.dry_run:
            self.releases.release(run.organization)
            self.expiries.expire(run.organization)
        going = _Pass(self.organizations.get(run.organization), self.rater.follow(run.organization))
        due = [*self._due(run), *self._ended(run)]
        run = replace(run, total=sum(len(boundaries) for _, boundaries in due))
        if run.customers is None and not run.dry_run:
            run = replace(run, position=going.position)
            if not due:
                yield run
        while due:
            pending = _in_order(due)
            while chunk := list(islice(pending, CHUNK)):
                run, going = self._step(run, going, chunk)
                yield run
            due = self._again(run, going)

    def _again(self, run: BillRun, going: _Pass) -> list[_Open]:
        """What others changed meanwhile, to be looked at with the events there are now."""
        moved, going.moved = going.moved, set()
        if not moved:
            return []
        going.position = self.rater.follow(run.organization)
        return [*self._due(run, only=moved), *self._ended(run, only=moved)]

    def _due(self, run: BillRun, only: Collection[str] | None = None) -> list[_Open]:
        """The subscriptions with an open boundary by `as_of`, by age, each with those boundaries."""
        with self.database.read() as connection:
            found = SubscriptionStore(connection).due(run.organization, run.as_of, run.customers)
        wanted = [one for one in found if only is None or one.id in only]
        return [(one, list(due_boundaries(one, run.as_of))) for one in wanted]

    def _ended(self, run: BillRun, only: Collection[str] | None = None) -> list[_Open]:
        """The subscriptions whose last boundary is closed and for which something came late since runs looked."""
        with self.database.read() as connection:
            known = BillRunStore(connection).last_position(run.organization)
        late = self.rater.metering.late_customers(run.organization, known)
        customers = [one for one in late if run.customers is None or one in run.customers]
        if not customers:
            return []
        with self.database.read() as connection:
            found = SubscriptionStore(connection).ended(run.organization, customers)
        return [(one, [late_boundary(one)]) for one in found if only is None or one.id in only]

    def _step(self, run: BillRun, going: _Pass, chunk: Sequence[Due]) -> tuple[BillRun, _Pass]:
        """Price some boundaries and then write them in one transaction, with the run itself."""
        left = going.parked.keys() | going.moved
        due = self._as_it_stands(run, [one for one in chunk if one.subscription.id not in left])
        rated = self.rater.rate(run.organization, due, going.position)
        buyers = self.customers.many(run.organization, {one.subscription.customer for one in due})
        run = replace(run, done=min(run.done + len(chunk), run.total))
        return again_if_stopped(lambda: self._taken(run, going.copy(), rated, buyers))

    def _taken(
        self, run: BillRun, going: _Pass, rated: Sequence[Rated], buyers: Mapping[str, Customer]
    ) -> tuple[BillRun, _Pass]:
        with self.database.write() as connection:
            batch, issuing = self._batch(connection, run, going, rated, buyers)
            batch.take(rated)
            if not run.dry_run:
                self._write(connection, run, batch, issuing)
            going.moved |= batch.moved
            run = replace(
                run, invoices=run.invoices + batch.invoices,
                parked=tuple(Parked(id, reason) for id, reason in going.parked.items()),
                version=run.version + 1, updated_at=batch.terms.now,
            )
            BillRunStore(connection).save(run)
        return run, going

    def _as_it_stands(self, run: BillRun, due: Sequence[Due]) -> list[Due]:
        """The same boundaries of subscriptions as they are now: what was billed tells days by what is closed."""
        adjusted = {one.subscription.id for one in due if one.subscription.adjusted_from is not None}
        if not adjusted:
            return list(due)
        with self.database.read() as connection:
            known = SubscriptionStore(connection).many(run.organization, adjusted)
        return [replace(one, subscription=known.get(one.subscription.id, one.subscription)) for one in due]

    def _batch(
        self, connection: Connection, run: BillRun, going: _Pass, rated: Sequence[Rated], buyers: Mapping[str, Customer]
    ) -> tuple[Batch, Issuing]:
        """What the transaction finds, held against others."""
        ids = sorted({one.due.subscription.id for one in rated})
        now = self.now(run.organization)
        invoices = InvoiceStore(connection)
        found = SubscriptionStore(connection).many(run.organization, ids, lock=not run.dry_run)
        made = standing(connection, run.organization, rated)
        drafts = invoices.drafts_of(run.organization, ids, lock=not run.dry_run)
        customers = {one.due.subscription.customer for one in rated}
        waiting = joining(connection, run.organization, customers, going.invoiced, hold=not run.dry_run)
        of = charging(connection, self.rater.catalog, run.organization, customers, ids)
        left = left_of(connection, run.organization, [line for one in rated for line in one.lines])
        issuing = self.issuance.begin(connection, going.seller, customers, of.credits)
        terms = Terms(
            run, going.seller, buyers, made, now, lambda prefix: self.new_id(prefix, now),
            issuing.moment if not run.dry_run else lambda customer: now,
        )
        places = {one.place: one for one in drafts if one.place}
        return Batch(terms, found, places, going.parked, of, waiting, left), issuing

    def _write(self, connection: Connection, run: BillRun, batch: Batch, issuing: Issuing) -> None:
        """Store a batch; the numbers come last, because others wait for their counter."""
        invoices = InvoiceStore(connection)
        SubscriptionStore(connection).save(list(batch.changed.values()))
        invoices.remove(run.organization, batch.dropped)
        note_credits(connection, run.organization, batch.credited)
        note_closed(connection, run.organization, batch.closed)
        noted = self.beyond.decide(connection, run.organization, batch.beyond, batch.terms.now)
        issued = {one.id: one for one in issuing.issue([made.invoice for made in batch.made if made.final])}
        made = [replace(one, invoice=issued.get(one.invoice.id, one.invoice)) for one in batch.made]
        invoices.save([(one.before, one.invoice) for one in made if one.before is not None])
        invoices.add([one.invoice for one in made if one.before is None])
        zones = {id: one.timezone for id, one in batch.found.items()}
        issuing.book([(one.invoice, zones[one.invoice.subscription or ""]) for one in made if one.final])
        self.beyond.number(connection, noted)


def _in_order(due: Iterable[_Open]) -> Iterator[Due]:
    """All that is open: by boundary, then by the age of the subscription (rule 26)."""
    return merge(*(map(partial(Due, one), boundaries) for one, boundaries in due), key=_place)


def _place(due: Due) -> tuple[datetime, str]:
    return due.boundary.at, due.subscription.id
