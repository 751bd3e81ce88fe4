"""The lines that stand of plan periods, as commitments look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, RowMapping, func, or_, select

from farthing.billing.invoices.billed import by_credit_notes, treatment_of
from farthing.billing.invoices.models import invoice_lines, invoices, usage_credits
from farthing.billing.invoices.values import DRAFT, VOID
from farthing.pricing.arithmetic import exactly, from_minor
from farthing.pricing.calendar import Period
from farthing.pricing.commitments import COMMITMENT, USED, BilledLine
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import ONE, Line
from farthing.pricing.taxes import TaxRate

invoice, line = invoices.c, invoice_lines.c
COUNTED: Final = (*USED, "fee", "proration")  # what makes the sum of a plan period

Place = tuple[str, datetime | None, int | None]
"""A subscription, and which of its invoices: a boundary's, that of a change by its number, or what came late."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A line of an invoice that stands, or of a draft; `age` rises with its invoice and its place there."""

    billed: BilledLine
    id: str
    place: Place
    is_draft: bool
    age: tuple[object, ...]


def stored_lines(
    connection: Connection, organization: str, rates: Sequence[TaxRate], spans: Mapping[str, Period],
    also: str | None = None, before: int | None = None,
) -> dict[str, list[Stored]]:
    """What invoices and drafts bill of these subscriptions in these times, older ones first.

    What was voided and forgiven counts: it is not to be billed again (rule 20).

    also    an invoice that counts whatever became of it
    before  the events from where on corrections of usage and of true-ups are left out; None: all count
    """
    found: dict[str, list[Stored]] = {id: [] for id in spans}
    if not spans:
        return found
    start, end = min(one.start for one in spans.values()), max(one.end for one in spans.values())
    mine = (invoice.organization == organization) & invoice.subscription.in_(sorted(spans))
    standing = or_(invoice.status != VOID, invoice.forgiven.is_(True), invoice.id == also)
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
    taken = _taken_back(connection, organization, [row["id"] for row in rows], before)
    notes, days = by_credit_notes(connection, organization, corrected)
    by_id = {rate.id: rate for rate in rates}
    back: dict[str, list[RowMapping]] = {}
    for row in rows:
        if row["reason"] == COMMITMENT and row["corrects_line"] is not None:
            back.setdefault(row["corrects_line"], []).append(row)
    for row in rows:
        if row["period_from"] < spans[row["subscription"]].end and row["period_to"] > spans[row["subscription"]].start:
            place = row["subscription"], row["boundary"], _own(row)
            is_draft = row["status"] == DRAFT
            billed = _billed(row, back.get(row["id"], ()), notes.get(row["id"], (0, 0)), days.get(row["id"], ()), by_id,
                             taken.get(row["id"], 0))
            found[row["subscription"]].append(Stored(billed, row["id"], place, is_draft, _age(row)))
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
    rates: Mapping[str, TaxRate], taken: int,
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
        if row["reason"] in USED:  # what late usage took back is counted where it was charged, before discounts
            it = replace(it, rated=from_minor(entered + taken if entered > 0 else 0, unit))
        at = None if row["status"] == DRAFT else (row["invoice"], row["id"])
        return BilledLine(
            it, at, tuple(days), from_minor(-taken, unit), max(from_minor(left, unit), from_minor(0, unit)), treatment
        )


def _taken_back(
    connection: Connection, organization: str, lines: Sequence[str], before: int | None
) -> dict[str, int]:
    """What finalised corrections took back of lines, before discounts, in minor units: below zero."""
    credit = usage_credits.c
    mine = (credit.organization == organization) & credit.line.in_(lines)
    query = select(credit.line, func.sum(credit.rated)).where(mine).group_by(credit.line)
    if before is not None:
        query = query.where(credit.position < before)
    return {line: int(rated) for line, rated in connection.execute(query)}
