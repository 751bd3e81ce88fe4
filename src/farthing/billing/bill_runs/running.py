"""The work of a bill run: find what is due, price it, and write it in short transactions (rules 25 and 26)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from farthing.billing.bill_runs.values import BillRun, Parked
from farthing.billing.invoices.drafting import Parties, boundary_draft
from farthing.billing.invoices.numbers import Numbers
from farthing.billing.invoices.rating import Due, Rated, Rater
from farthing.billing.invoices.service import SERIES
from farthing.billing.invoices.store import InvoiceStore
from farthing.billing.invoices.values import Invoice, numbered
from farthing.billing.subscriptions.closing import closed, due_boundaries
from farthing.billing.subscriptions.store import SubscriptionStore
from farthing.billing.subscriptions.values import Subscription
from farthing.customers import Customer, CustomerBook
from farthing.identity import Organization, OrganizationBook
from farthing.kernel.clock import Clock
from farthing.kernel.database import Database
from farthing.kernel.ids import NewId

CHUNK: Final = 50  # boundaries a transaction: few enough that other writers do not wait long
PAGE: Final = 1000  # subscriptions a question


@dataclass(slots=True)
class _Written:
    """What one transaction does, gathered before it is written."""

    added: list[Invoice] = field(default_factory=list)
    changed: list[Invoice] = field(default_factory=list)
    dropped: list[Invoice] = field(default_factory=list)
    final: list[Invoice] = field(default_factory=list)  # drafts to be numbered, in order
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    still_open: dict[str, Sequence[datetime]] = field(default_factory=dict)
    closed: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Running:
    """Carries out runs; what a run may do is decided in `pricing`, here it is put in order and written."""

    database: Database
    now: Clock
    new_id: NewId
    organizations: OrganizationBook
    customers: CustomerBook
    rater: Rater

    def steps(self, run: BillRun) -> Iterator[BillRun]:
        """The run after each of its transactions.

        Whoever changes a subscription meanwhile is not overrun: it is looked at again at the end.
        """
        position = self.rater.follow(run.organization)
        organization = self.organizations.get(run.organization)
        parked: dict[str, str] = {}
        only: Collection[str] | None = None
        while only is None or only:
            due = self._due(run, only)
            run = replace(run, total=run.total + len(due) if only is None else run.total)
            moved: set[str] = set()
            pending = iter(due)
            while chunk := list(islice(pending, CHUNK)):
                due_now = [one for one in chunk if one.subscription.id not in parked]
                rated = self.rater.rate(run.organization, due_now, position)
                made = self._write(run, organization, rated, parked, moved, position)
                done = min(run.done + len(chunk), run.total)
                shown = tuple(Parked(id, reason) for id, reason in parked.items())
                run = replace(run, done=done, invoices=run.invoices + made, parked=shown)
                yield run
            only = moved
        yield replace(run, done=run.total)

    def _due(self, run: BillRun, only: Collection[str] | None) -> list[Due]:
        """All that is open by `as_of`: by boundary, then by the age of the subscription (rule 26)."""
        found: list[Due] = []
        after = ""
        with self.database.read() as connection:
            store = SubscriptionStore(connection)
            while page := store.due(run.organization, run.as_of, run.customers, after, PAGE):
                after = page[-1].id
                wanted = [one for one in page if only is None or one.id in only]
                still_open = store.open_boundaries(run.organization, [one.id for one in wanted])
                for one in wanted:
                    boundaries = due_boundaries(one, still_open.get(one.id, ()), run.as_of)
                    found += [Due(one, boundary) for boundary in boundaries]
        return sorted(found, key=lambda due: (due.boundary.at, due.subscription.id))

    def _write(
        self, run: BillRun, organization: Organization, rated: Sequence[Rated], parked: dict[str, str],
        moved: set[str], position: int,
    ) -> int:
        """Write a chunk in one transaction; how many invoices were drafted or finalised by it."""
        if run.dry_run:
            return sum(1 for one in rated if not _parks(one, parked) and one.lines)
        buyers = self.customers.many(run.organization, {one.due.subscription.customer for one in rated})
        ids = sorted({one.due.subscription.id for one in rated})
        with self.database.write() as connection:
            store = SubscriptionStore(connection)
            written = _Written(
                subscriptions=dict(store.many(run.organization, ids, lock=True)),
                still_open=dict(store.open_boundaries(run.organization, ids)),
            )
            drafts = {(one.subscription, one.boundary): one
                      for one in InvoiceStore(connection).drafts_of(run.organization, ids)}
            for one in rated:
                self._gather(run, organization, one, buyers, parked, moved, drafts, written, position)
            self._finalize(connection, run, organization, written)
            _store(connection, run, written)
        return len(written.final) + sum(1 for one in written.added if one.number is None)

    def _gather(
        self, run: BillRun, organization: Organization, rated: Rated, buyers: Mapping[str, Customer],
        parked: dict[str, str], moved: set[str], drafts: Mapping[tuple[str | None, datetime | None], Invoice],
        written: _Written, position: int,
    ) -> None:
        id, at = rated.due.subscription.id, rated.due.boundary.at
        current = written.subscriptions.get(id)
        if current is None or id in moved:
            return
        is_open = _is_open(current, written.still_open.get(id, ()), at)
        if not is_open or _facts(current) != _facts(rated.due.subscription):
            moved.add(id)
            return
        if _parks(rated, parked):
            written.subscriptions[id] = replace(current, parked=parked[id])
            return
        final = run.as_of >= at + timedelta(seconds=organization.grace_seconds)
        earlier = drafts.get((id, at))
        if rated.lines:
            parties = Parties(organization, buyers[current.customer])
            draft = boundary_draft(rated, earlier, parties, position, self.now(run.organization), self.new_id)
            draft = replace(draft, bill_run=run.id if final or earlier is None else draft.bill_run)
            (written.added if earlier is None else written.changed).append(draft)
            written.final += [draft] if final else []
        elif earlier is not None:
            written.dropped.append(earlier)
        if final:
            changed, written.still_open[id] = closed(current, at, written.still_open.get(id, ()))
            written.subscriptions[id] = replace(changed, parked=None)
            written.closed.append((id, at))

    def _finalize(self, connection: Connection, run: BillRun, organization: Organization, written: _Written) -> None:
        """Number what is final, in order; the counter is taken last, so that others wait for it shortly."""
        if not written.final:
            return
        series = Numbers(connection, run.organization, organization.timezone)
        numbers, issued_at = series.take(SERIES, len(written.final), lambda: self.now(run.organization))
        given = {draft.id: numbered(draft, number, issued_at)
                 for draft, number in zip(written.final, numbers, strict=True)}
        written.added = [given.get(one.id, one) for one in written.added]
        written.changed = [given.get(one.id, one) for one in written.changed]


def _parks(rated: Rated, parked: dict[str, str]) -> bool:
    """Whether its subscription is parked, by this boundary or an earlier one, which stays the reason."""
    if rated.refused:
        parked.setdefault(rated.due.subscription.id, rated.refused)
    return rated.due.subscription.id in parked


def _facts(subscription: Subscription) -> tuple[object, ...]:
    """What a rating depended on: when it is no longer so, the rating is not used."""
    one = subscription
    return one.plan, one.plan_version, one.ends_at, one.quantities, one.customer


def _is_open(subscription: Subscription, still_open: Sequence[datetime], at: datetime) -> bool:
    return subscription.billed_through is None or at > subscription.billed_through or at in still_open


def _store(connection: Connection, run: BillRun, written: _Written) -> None:
    invoices, subscriptions = InvoiceStore(connection), SubscriptionStore(connection)
    invoices.remove(written.dropped)
    invoices.save(written.changed, with_lines=True)
    invoices.add(written.added)
    subscriptions.close(run.organization, written.closed)
    for id in {id for id, _ in written.closed}:
        if remaining := written.still_open.get(id):
            subscriptions.reopen(run.organization, id, remaining)
    subscriptions.save([replace(one, version=one.version + 1) for one in written.subscriptions.values()])
