"""What one transaction of a bill run does, decided boundary by boundary from what it found (rules 25 and 26)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from farthing.billing.bill_runs.joining import Joining
from farthing.billing.bill_runs.standing import Standing
from farthing.billing.bill_runs.values import BillRun
from farthing.billing.credit_notes.beyond import Left, Remaining
from farthing.billing.invoices.charging import Charged, Charging
from farthing.billing.invoices.closings import ClosedBoundary
from farthing.billing.invoices.drafting import Name, Parties, boundary_draft, redrafted, says_the_same
from farthing.billing.invoices.rating import PARKS, Rated, refusal
from farthing.billing.invoices.values import Invoice
from farthing.billing.subscriptions.closing import closed, is_still_open, parked, unparked
from farthing.billing.subscriptions.values import Subscription
from farthing.customers import Customer
from farthing.identity import Organization
from farthing.pricing.boundaries import Boundary
from farthing.pricing.checks import check_once
from farthing.pricing.currencies import Currency
from farthing.pricing.invoicing import Line

MOST_A_DAY: Final = 20  # invoices with a boundary on one local day, voided ones counted: a loop ends here (T38)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a batch decides: the run, who bills whom, and the time.

    standing   what was made and is billed already near these boundaries
    issued_at  when an invoice of a customer is issued, should it be final
    """

    run: BillRun
    seller: Organization
    buyers: Mapping[str, Customer]
    standing: Standing
    now: datetime
    name: Name
    issued_at: Callable[[str], datetime]


@dataclass(frozen=True, slots=True)
class Made:
    """An invoice that a batch drafts, or drafts again where there was one `before`; a final one is to be numbered."""

    invoice: Invoice
    before: Invoice | None
    final: bool


@dataclass(slots=True)
class Batch:
    """Collects what is to be written; nothing is stored here.

    found    the subscriptions as they are now, held
    drafts   theirs, by subscription and boundary
    changed  subscriptions that differ from what was found
    parked   those that cannot be billed, with the reason of the earliest boundary
    beyond   what final ones give back and could not bear: credit notes (rule 14)
    credited  of final ones: the invoice, its lines as rated, and up to which event it counted
    closed   boundaries that are closed without an invoice
    moved    those that somebody else changed since they were rated: to be looked at again
    """

    terms: Terms
    found: Mapping[str, Subscription]
    drafts: Mapping[tuple[str, datetime], Invoice]
    parked: dict[str, str]
    charging: Charging
    joining: Joining
    left: Left
    made: list[Made] = field(default_factory=list)
    beyond: list[Remaining] = field(default_factory=list)
    credited: list[tuple[str | None, Sequence[Line], int, Currency]] = field(default_factory=list)
    closed: list[ClosedBoundary] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    changed: dict[str, Subscription] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def take(self, rated: Iterable[Rated]) -> None:
        """Decide on boundaries, each subscription's in order."""
        for one in rated:
            subscription = one.due.subscription
            if subscription.id in self.parked or subscription.id in self.moved:
                continue
            if self.terms.run.dry_run or self._is_as_rated(one):  # it holds nothing, so there is no looking again
                self._bill(one)
            else:
                self.moved.add(subscription.id)

    @property
    def invoices(self) -> int:
        """How many invoices are drafted or finalised."""
        return sum(1 for one in self.made if one.before is None or one.final)

    def _current(self, rated: Rated) -> Subscription | None:
        id = rated.due.subscription.id
        return self.changed.get(id) or self.found.get(id)

    def _is_as_rated(self, rated: Rated) -> bool:
        """Whether the boundary is open still, on the same terms, and nobody has counted more, or credited, since."""
        current, boundary = self._current(rated), rated.due.boundary
        still = current is not None and is_still_open(current, boundary)
        if current is None or not still or not current.same_terms(rated.due.subscription):
            return False
        if not all(self.left.bears(line) for line in rated.lines):
            return False
        found = self.found[current.id]
        if boundary.change is not None and current is not found:
            return False  # it corrects all that is billed by then, and more has been billed just now
        looked_back = found.adjusted_from is not None or (rated.corrects and current is found)
        if looked_back and found.version != rated.due.subscription.version:
            return False  # what was billed may have been voided, closed, or given back otherwise
        earlier = self._earlier(rated)
        return earlier is None or earlier.position is None or earlier.position <= rated.position

    def _bill(self, rated: Rated) -> None:
        subscription = self._current(rated) or rated.due.subscription
        at = rated.due.boundary.at
        if reason := rated.refused or self._too_often(rated):
            return self._park(subscription, at, reason)
        if _is_ordinary(rated):
            rated = self.joining.joined(rated, self._earlier(rated))
        try:
            place = at if rated.due.boundary.change is None else None
            check_once(rated.lines, self.terms.standing.elsewhere(subscription.id, place))
            charged = self._charged(rated)
        except PARKS as error:
            return self._park(subscription, at, refusal(rated.due, error))
        final = charged.refused is None and self._is_final(rated.due.boundary)
        made = self._draft(rated, charged, final)
        if final:
            self.credited.append((made, rated.lines, rated.position, rated.currency))
            if made is None and _is_ordinary(rated):
                self.closed.append(ClosedBoundary(subscription.id, at, rated.position))
        if charged.refused is not None:  # which stays a draft until its tax can be told (rule 27)
            return self._park(subscription, at, refusal(rated.due, charged.refused))
        closing = closed(subscription, rated.due.boundary, rated.late_through)
        return self._keep(closing if final else unparked(subscription, at))

    def _park(self, subscription: Subscription, at: datetime, reason: str) -> None:
        self.parked[subscription.id] = reason
        self._keep(parked(subscription, at, reason))

    def _charged(self, rated: Rated) -> Charged:
        subscription = rated.due.subscription
        earlier, buyer, unit = self._earlier(rated), self.terms.buyers[subscription.customer], rated.currency
        final = self._is_final(rated.due.boundary)
        at = self.terms.issued_at(buyer.id) if final else self.terms.now
        return self.charging.charge(
            rated.lines, buyer, unit, at, subscription.id, None if earlier is None else earlier.id
        )

    def _earlier(self, rated: Rated) -> Invoice | None:
        """The draft that a boundary has already; a change's own invoice never is one."""
        boundary = rated.due.boundary
        return None if boundary.change is not None else self.drafts.get((rated.due.subscription.id, boundary.at))

    def _is_final(self, boundary: Boundary) -> bool:
        """Whether the grace of a boundary is over (rule 26); a change's own invoice, and what comes late, have none."""
        if boundary.late:
            return True
        grace = timedelta() if boundary.change is not None else timedelta(seconds=self.terms.seller.grace_seconds)
        return self.terms.run.as_of >= boundary.at + grace

    def _draft(self, rated: Rated, charged: Charged, final: bool) -> str | None:
        """Note the invoice that a boundary has now, by id; none where it has no line."""
        terms, subscription, earlier = self.terms, rated.due.subscription, self._earlier(rated)
        if final and charged.done.beyond and not charged.done.lines:
            self.beyond.append(Remaining(None, charged.done.beyond))
        if not charged.done.lines:  # without a line there is no invoice (rule 25)
            self.dropped += [] if earlier is None else [earlier.id]
            self.charging.forget(self.dropped[-1:])
            return None
        if _is_ordinary(rated):
            self.joining.note(rated)
        parties = Parties(terms.seller, terms.buyers[subscription.customer])
        if earlier is None:
            draft = boundary_draft(rated, charged, parties, terms.now, terms.name)
        else:
            draft = redrafted(earlier, rated, charged, parties, terms.now, terms.name)
            if not final and says_the_same(earlier, draft):
                return earlier.id
        if final or earlier is None:
            draft = replace(draft, bill_run=terms.run.id)
        self.charging.note(draft)
        if final:
            self.charging.spend(draft, charged.at)
        self.made.append(Made(draft, earlier, final))
        if final and charged.done.beyond:
            self.beyond.append(Remaining(draft.id, charged.done.beyond))
        return draft.id

    def _too_often(self, rated: Rated) -> str | None:
        subscription, day = rated.due.subscription, rated.due.day
        made = self.terms.standing.made_on(subscription.id, day, subscription.timezone)
        if made < MOST_A_DAY:
            return None
        return f"{made} invoices of {day.isoformat()} were made for this subscription, which is the most for one day."

    def _keep(self, subscription: Subscription) -> None:
        """Note how a subscription is from now on, where that differs from how it was found."""
        found = self.found[subscription.id]
        if replace(subscription, version=found.version, updated_at=found.updated_at) == found:
            self.changed.pop(subscription.id, None)
            return
        self.changed[subscription.id] = replace(
            subscription, version=found.version + 1, updated_at=self.terms.now
        )


def _is_ordinary(rated: Rated) -> bool:
    """Whether it is the invoice of a boundary, which alone carries one-off charges (rules 14 and 25)."""
    return rated.due.boundary.change is None and not rated.due.boundary.late
