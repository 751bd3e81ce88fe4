"""What plans' minimum commitments add to the invoices of boundaries, by all that stands of their plan periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from farthing.billing.invoices.billed import Due
from farthing.billing.invoices.committed_lines import COUNTED, Place, Stored, stored_lines
from farthing.billing.invoices.values import Invoice, InvoiceLine
from farthing.billing.subscriptions.closing import is_open
from farthing.billing.subscriptions.values import Subscription
from farthing.pricing import commitments
from farthing.pricing.agreements import Agreement
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import BilledLine, commitment_lines, shares
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line
from farthing.pricing.rating import Rating
from farthing.pricing.taxes import TaxRate

_MOMENT: Final = timedelta(microseconds=1)

@dataclass(frozen=True, slots=True)
class Priced:
    """A boundary with its lines but for true-ups, and the terms that they were priced by."""

    due: Due
    lines: Sequence[Line]
    agreement: Agreement

    @property
    def place(self) -> Place:
        boundary = self.due.boundary
        own = 0 if boundary.late else boundary.change
        return self.due.subscription.id, boundary.at if boundary.change is None else None, own


def _counts_at(each: Stored, one: Priced) -> bool:
    """Whether a line is billed beside a boundary's own: that of a draft is if its boundary is earlier."""
    at = each.place[1]
    return not (each.is_draft and (at is None or at > one.due.boundary.at))


def true_ups(
    connection: Connection, organization: str, rates: Sequence[TaxRate], priced: Sequence[Priced]
) -> list[tuple[Line, ...]]:
    """What commitments add to these boundaries or correct, in the order asked for (rules 9, 18 and 25)."""
    asked = [looked_at(one) for one in priced]
    return _added(priced, asked, stored_lines(connection, organization, rates, _spans(priced, asked)))


def true_ups_alone(priced: Sequence[Priced]) -> list[tuple[Line, ...]]:
    """The same by these boundaries' lines alone, whatever invoices say: those of whole plan periods."""
    asked = [[one.due.boundary.ended] if one.due.boundary.ended is not None else [] for one in priced]
    return _added(priced, asked, {})


def _added(
    priced: Sequence[Priced], asked: Sequence[Sequence[Part]], stored: Mapping[str, Sequence[Stored]]
) -> list[tuple[Line, ...]]:
    """Those of one subscription come in their order: each sees what the ones before it bill."""
    again = {one.place for one in priced}
    before: dict[str, list[BilledLine]] = {}
    found: list[tuple[Line, ...]] = []
    for one, parts in zip(priced, asked, strict=True):
        id, unit = one.due.subscription.id, currency(one.due.subscription.currency)
        standing = [
            each.billed for each in stored.get(id, ()) if each.place not in again and _counts_at(each, one)
        ]
        mine = before.setdefault(id, [])
        mine += [BilledLine(each) for each in one.lines]
        new = tuple(
            each for part in parts for each in commitment_lines(one.agreement, part, [*standing, *mine], unit)
        )
        mine += [BilledLine(each) for each in new]
        found.append(new)
    return found


def looked_at(one: Priced) -> list[Part]:
    """The plan periods whose commitment a boundary looks at: the one that ends there, and closed ones that its lines
    belong to, or that a change made end at the boundary before it (rule 25)."""
    subscription, boundary = one.due.subscription, one.due.boundary
    if boundary.change is not None or not one.agreement.is_committed:
        return []
    life = subscription.life
    starts = [each.period.start for each in one.lines if each.period is not None and each.reason in COUNTED]
    if boundary.used is not None and any(era.begins_at == boundary.used.period.start for era in life.later):
        starts.append(boundary.used.period.start - _MOMENT)
    found = {} if boundary.ended is None else {boundary.ended.period.start: boundary.ended}
    for start in starts:
        part = life.fee_part(start) if start >= life.begins_at else None
        if part is not None and part.period.end <= boundary.at and not is_open(subscription, part.period.end):
            found.setdefault(part.period.start, part)
    return [found[start] for start in sorted(found)]


def _spans(priced: Sequence[Priced], asked: Sequence[Sequence[Part]]) -> dict[str, Period]:
    """From when to when the lines of each subscription are asked for."""
    found: dict[str, Period] = {}
    for one, parts in zip(priced, asked, strict=True):
        for part in parts:
            was = found.get(one.due.subscription.id, part.period)
            span = Period(min(was.start, part.period.start), max(was.end, part.period.end))
            found[one.due.subscription.id] = span
    return found


def commitment_rating(
    connection: Connection, rates: Sequence[TaxRate], invoice: Invoice, line: InvoiceLine, owner: Subscription,
    agreement: Agreement,
) -> Rating:
    """How a line of a commitment came about, from what stood when its invoice was finalised."""
    unit, amount = currency(invoice.currency), line.amount if line.entered is None else line.entered
    if line.period is None:
        raise ValueError(f"Line {line.id} of a commitment has no period.")
    part = owner.life.fee_part(line.period.start)
    spans = {owner.id: part.period}
    stored = stored_lines(
        connection, invoice.organization, rates, spans, also=invoice.id, before=invoice.position
    )[owner.id]
    own = next(each for each in stored if each.id == line.id)
    earlier = [each.billed for each in stored if each.age < own.age]
    share = next(one for one in shares(agreement, part) if one.period == line.period)
    return commitments.commitment_rating(share, agreement, part, earlier, amount, unit)
