"""What plans' minimum commitments add to the invoices of boundaries, by all that stands of their plan periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, or_, select

from farthing.billing.invoices.billed import Due, by_credit_notes, treatment_of
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import DRAFT, VOID
from farthing.billing.subscriptions.closing import is_open
from farthing.pricing.agreements import Agreement
from farthing.pricing.arithmetic import exactly, from_minor
from farthing.pricing.boundaries import Part
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import COMMITMENT, USED, BilledLine, commitment_lines
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import ONE, Line
from farthing.pricing.taxes import TaxRate

invoice, line = invoices.c, invoice_lines.c
COUNTED: Final = (*USED, "fee", "proration")  # what makes the sum of a plan period
_MOMENT: Final = timedelta(microseconds=1)

Place = tuple[str, datetime | None, int | None]
"""A subscription, and which of its invoices: a boundary's, that of a change by its number, or what came late."""


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


@dataclass(frozen=True, slots=True)
class Stored:
    """A line of an invoice that stands, or of a draft."""

    billed: BilledLine
    place: Place
    is_draft: bool

    def counts_at(self, one: Priced) -> bool:
        """Whether it is billed beside a boundary's own lines: a draft is if its boundary is earlier."""
        at = self.place[1]
        return self.place != one.place and not (self.is_draft and (at is None or at > one.due.boundary.at))


def true_ups(
    connection: Connection, organization: str, rates: Sequence[TaxRate], priced: Sequence[Priced]
) -> list[tuple[Line, ...]]:
    """What commitments add to these boundaries or correct, in the order asked for (rules 9, 18 and 25).

    Those of one subscription come in their order: each sees what the ones before it bill.
    """
    asked = [looked_at(one) for one in priced]
    stored = stored_lines(connection, organization, rates, _spans(priced, asked))
    again = {one.place for one in priced}
    before: dict[str, list[BilledLine]] = {}
    found: list[tuple[Line, ...]] = []
    for one, parts in zip(priced, asked, strict=True):
        id, unit = one.due.subscription.id, currency(one.due.subscription.currency)
        standing = [
            each.billed for each in stored.get(id, ()) if each.place not in again and each.counts_at(one)
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


def stored_lines(
    connection: Connection, organization: str, rates: Sequence[TaxRate], spans: Mapping[str, Period]
) -> dict[str, list[Stored]]:
    """What invoices and drafts bill of these subscriptions in these times, older ones first.

    What was voided and forgiven counts: it is not to be billed again (rule 20).
    """
    found: dict[str, list[Stored]] = {id: [] for id in spans}
    if not spans:
        return found
    start, end = min(one.start for one in spans.values()), max(one.end for one in spans.values())
    mine = (invoice.organization == organization) & invoice.subscription.in_(sorted(spans))
    standing = or_(invoice.status != VOID, invoice.forgiven.is_(True))
    query = (
        select(
            invoice_lines, invoice.subscription, invoice.currency, invoice.status, invoice.taxes, invoice.boundary,
            invoice.change, invoice.issued_at, invoice.late, invoice.position.label("event_position"),
        )
        .join(invoices, invoice.id == line.invoice)
        .where(mine, standing, line.reason.in_((*COUNTED, COMMITMENT)), line.period_from < end, line.period_to > start)
    )
    rows = sorted(connection.execute(query).mappings(), key=_age)
    corrected = [row["id"] for row in rows if row["reason"] in ("fee", COMMITMENT) and row["status"] != DRAFT]
    notes, days = by_credit_notes(connection, organization, corrected)
    by_id = {rate.id: rate for rate in rates}
    back: dict[str, list[RowMapping]] = {}
    for row in rows:
        if row["reason"] == COMMITMENT and row["corrects_line"] is not None:
            back.setdefault(row["corrects_line"], []).append(row)
    for row in rows:
        if row["period_from"] < spans[row["subscription"]].end and row["period_to"] > spans[row["subscription"]].start:
            place = row["subscription"], row["boundary"], _own(row)
            billed = _billed(row, back.get(row["id"], ()), notes.get(row["id"], (0, 0)), days.get(row["id"], ()), by_id)
            found[row["subscription"]].append(Stored(billed, place, row["status"] == DRAFT))
    return found


def _own(row: RowMapping) -> int | None:
    """What tells an invoice from its boundary's: its change, or for one of what came late 0 or less, 0 of a draft."""
    if not row["late"]:
        return row["change"]  # type: ignore[no-any-return]  # an integer or null
    return 0 if row["status"] == DRAFT else -row["event_position"]


def _age(row: RowMapping) -> tuple[object, ...]:
    """Finalised invoices by their age, then drafts by their boundary."""
    if row["issued_at"] is None:
        return 1, row["boundary"], row["invoice"], row["position"]
    return 0, row["issued_at"], row["invoice"], row["position"]


def _billed(
    row: RowMapping, back: Sequence[RowMapping], noted: tuple[int, int], days: Sequence[Period],
    rates: Mapping[str, TaxRate],
) -> BilledLine:
    unit = currency(row["currency"])
    period = Period(row["period_from"], row["period_to"])
    corrects = (row["corrects_invoice"], row["corrects_line"]) if row["corrects_line"] is not None else None
    treatment = treatment_of(row, unit, rates)
    inclusive = bool(treatment.rates) and treatment.rates[0].inclusive
    with exactly():
        entered = row["amount"] if row["entered"] is None else row["entered"]
        after = row["amount"] - row["discount"] + (row["tax"] if inclusive else 0)
        given = sum(each["amount"] + (each["tax"] if inclusive else 0) for each in back)
        left = 0 if row["status"] == VOID else after + given - noted[0] - (noted[1] if inclusive else 0)
        it = Line(
            row["description"], row["price"], tuple(row["group_values"]), period, ONE, row["unit_amount"],
            from_minor(entered, unit), row["reason"], discount=from_minor(entered - after, unit), corrects=corrects,
            terms=row["terms"], prorated=(row["days"], row["of_days"]) if row["of_days"] else None,
        )
        at = None if row["status"] == DRAFT else (row["invoice"], row["id"])
        return BilledLine(it, at, tuple(days), left=max(from_minor(left, unit), from_minor(0, unit)),
                          treatment=treatment)
