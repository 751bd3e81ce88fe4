"""What a change, a pause, a resumption or a cancellation would make of the next invoice; nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from farthing.billing.invoices.billed import Due
from farthing.billing.previews.coming import ComingInvoices
from farthing.billing.previews.schemas import InvoicePreviewIn
from farthing.billing.previews.steady import steady
from farthing.billing.previews.values import CannotBeRated, NothingUpcoming, Preview, Upcoming
from farthing.billing.subscriptions import deciding
from farthing.billing.subscriptions.changing import asked_change
from farthing.billing.subscriptions.closing import FAR, boundary_at, due_boundaries, is_open
from farthing.billing.subscriptions.deciding import Decided
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog
from farthing.customers import CustomerBook
from farthing.kernel.clock import Clock
from farthing.kernel.credentials import Caller
from farthing.kernel.database import Database
from farthing.kernel.problems import FieldError, Invalid
from farthing.pricing.boundaries import Boundary

CALLS: Final = ("change", "cancel", "pause", "resume")
_MOMENT: Final = timedelta(microseconds=1)

_Pair = tuple[Due | None, Due | None]  # what an invoice would be of, with and without the call


@dataclass(frozen=True, slots=True)
class ChangePreviews:
    """The invoice with a call, and the one without: by the same decisions as the calls themselves."""

    database: Database
    now: Clock
    catalog: Catalog
    customers: CustomerBook
    coming: ComingInvoices

    def preview(self, caller: Caller, body: InvoicePreviewIn) -> Preview:
        """Raises SubscriptionNotFound, NothingUpcoming, CannotBeRated, Invalid, and what the call itself would."""
        named = [name for name in CALLS if getattr(body, name) is not None]
        if len(named) > 1:
            message = f"cannot be given beside {named[0]}: one call is looked at, or none"
            raise Invalid(f"{named[1]} {message}.", [FieldError(named[1], message)])
        return steady(
            self.database, caller.organization, body.subscription, lambda current: self._previewed(current, body)
        )

    def _previewed(self, current: Subscription, body: InvoicePreviewIn) -> Preview:
        now = self.now(current.organization)
        with self.database.read() as connection:
            decided = self._decided(connection, current, body, now)
        pairs = _unchanged(current) if decided is None else _pairs(current, decided)
        return self._compared(current, pairs, now)

    def _decided(
        self, connection: Connection, current: Subscription, body: InvoicePreviewIn, now: datetime
    ) -> Decided | None:
        if body.change is not None:
            return asked_change(connection, self.catalog, current, body.change, now, hold=False)
        if body.cancel is not None:
            return deciding.cancel(current, body.cancel, now)
        if body.pause is not None:
            return deciding.pause(current, body.pause, now)
        if body.resume is not None:
            return deciding.resume(current, body.resume, now)
        return None

    def _compared(self, current: Subscription, pairs: Iterator[_Pair], now: datetime) -> Preview:
        """The first invoice that the call makes another one; where it makes none, that of its day."""
        told: list[tuple[Upcoming | str | None, Upcoming | str | None]] = []
        for pair in pairs:
            answers = iter(self.coming.invoices([due for due in pair if due is not None]))
            told.append((next(answers) if pair[0] else None, next(answers) if pair[1] else None))
            if _says(told[-1][0]) != _says(told[-1][1]):
                break
        invoice, without = told[-1]
        if isinstance(invoice, str):
            raise CannotBeRated(invoice)
        buyer = self.customers.get(current.organization, current.customer)
        why = without if isinstance(without, str) else None
        return Preview(current, buyer, invoice, None if isinstance(without, str) else without, now, why)


def _unchanged(current: Subscription) -> Iterator[_Pair]:
    """The next invoice, with and without nothing."""
    boundary = next(due_boundaries(current, FAR), None)
    if boundary is None:
        raise NothingUpcoming(f"Subscription {current.id} has ended, and its end is billed.")
    yield Due(current, boundary), Due(current, boundary)


def _pairs(current: Subscription, decided: Decided) -> Iterator[_Pair]:
    """The invoices that may differ, earliest first (rule 14): its own; or else that of the boundary at which the plan
    period begins, while its fees are not billed; and the first open one at or after the day of the call.
    """
    changed, day = decided.subscription, decided.day
    asked = [one for one in changed.own_invoices if one not in current.own_invoices]
    if asked:
        yield Due(changed, Boundary(day, None, None, None, None, asked[-1].change)), None
        return
    opening = changed.life.fee_part(day - _MOMENT).period.start if day > changed.life.begins_at else day
    if opening < day and is_open(changed, opening):
        yield _at(changed, opening), _at(current, opening)
    yield _from(changed, day), _from(current, day)


def _at(one: Subscription, at: datetime) -> Due | None:
    boundary = boundary_at(one, at)
    return None if boundary is None else Due(one, boundary)


def _from(one: Subscription, day: datetime) -> Due | None:
    """The first open boundary at or after a day; none for a subscription that is over by then."""
    boundary = next((each for each in due_boundaries(one, FAR) if each.change is None and each.at >= day), None)
    return None if boundary is None else Due(one, boundary)


def _says(told: Upcoming | str | None) -> object:
    """What makes one invoice another."""
    if told is None or isinstance(told, str):
        return told
    lines = [(line.price, line.group, line.period, line.amount, line.reason, line.tax) for line in told.done.lines]
    return lines, told.credits
