"""What was billed of closed usage periods, and where what came late has to be looked for (rule 18)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, or_, select

from farthing.billing.credit_notes.models import credit_note_lines
from farthing.billing.invoices.billed import treatment_of
from farthing.billing.invoices.models import invoice_lines, invoices, usage_credits
from farthing.billing.invoices.values import DRAFT, VOID
from farthing.billing.subscriptions.closing import is_open
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Meter
from farthing.pricing.aggregation import Aggregation
from farthing.pricing.agreements import Agreement, Segment, usage_segments
from farthing.pricing.arithmetic import ZERO, exactly, from_minor, plain, to_minor
from farthing.pricing.boundaries import Boundary, boundaries
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Line
from farthing.pricing.late_usage import BilledUsage
from farthing.pricing.taxes import TaxRate
from farthing.usage import Arrival

invoice, line, credit, noted = invoices.c, invoice_lines.c, usage_credits.c, credit_note_lines.c
Given = tuple[int, int]  # net and tax in minor units, above zero
Span = tuple[datetime | None, datetime | None]  # the times between which something came late; None for any


@dataclass(frozen=True, slots=True)
class ClosedUsage:
    """A usage period that is billed, and what of it has to be rated again."""

    boundary: Boundary
    period: Period
    segments: Sequence[Segment]


@dataclass(slots=True)
class BilledPeriods:
    """What invoices that stand charge of a subscription's usage; the first lines of those of its boundaries.

    firsts  by boundary: invoice, line and price, the first line and then those of usage
    """

    usage: list[BilledUsage] = field(default_factory=list)
    firsts: dict[datetime, list[tuple[str, str, str | None]]] = field(default_factory=dict)

    def corrected_at(self, boundary: Boundary, price: str) -> tuple[str, str] | None:
        """What the usage of a group without a line corrects: a line of its price, or the first of the invoice."""
        known = self.firsts.get(boundary.at, ())
        named = next((one for one in known if one[2] == price), next(iter(known), None))
        return None if named is None else named[:2]


def closed_usage(
    one: Subscription, agreement: Agreement, arrivals: Iterable[Arrival], meters: Mapping[str, Meter]
) -> Iterator[ClosedUsage]:
    """The closed usage periods in which something came late, by time, with the prices whose meters saw it."""
    spans = _spans(arrivals, meters)
    if not spans or one.billed_through is None:
        return
    starts = [since for since, _ in spans.values() if since is not None]
    since = min(starts) if len(starts) == len(spans) else None
    for boundary in boundaries(one.life, since, one.billed_through):
        if boundary.used is None or is_open(one, boundary.at):
            continue
        period = boundary.used.period
        touched = [
            each for each in usage_segments(agreement, boundary.used)
            if each.price.meter in spans and _overlap(spans[each.price.meter], period)
        ]
        if touched:
            yield ClosedUsage(boundary, period, touched)


def _spans(arrivals: Iterable[Arrival], meters: Mapping[str, Meter]) -> dict[str, Span]:
    """By a meter's key, between which times to look; what a level carries in has no end (rule 17)."""
    found: dict[str, Span] = {}
    by_id = {meter.id: meter for meter in meters.values()}
    for one in arrivals:
        for meter in meters.values() if one.meter is None else filter(None, [by_id.get(one.meter)]):
            latest = None if meter.aggregation is Aggregation.WEIGHTED_SUM else one.latest
            since, until = found.get(meter.key, (one.earliest, latest))
            since = None if since is None or one.earliest is None else min(since, one.earliest)
            until = None if until is None or latest is None else max(until, latest)
            found[meter.key] = since, until
    return found


def _overlap(span: Span, period: Period) -> bool:
    since, until = span
    return (since is None or since < period.end) and (until is None or until >= period.start)


def billed_usage(
    connection: Connection, organization: str, since: Mapping[str, datetime], rates: Sequence[TaxRate]
) -> dict[str, BilledPeriods]:
    """What stands of the usage of these subscriptions, by boundaries later than the one given for each.

    What was voided and forgiven counts, and nothing is left of it to give back.
    """
    found = {id: BilledPeriods() for id in since}
    if not since:
        return found
    rows = connection.execute(_lines_of(organization, since)).mappings().all()
    ids = [row["id"] for row in rows if row["reason"] != "one_off"]
    back, taken = _given_back(connection, organization, ids), _taken_back(connection, organization, ids)
    by_id = {rate.id: rate for rate in rates}
    credits: dict[str, list[RowMapping]] = {}
    for row in rows:
        if row["corrects_line"] is not None and row["amount"] < 0 and row["status"] != VOID:
            credits.setdefault(row["corrects_line"], []).append(row)
    for row in rows:
        periods = found[row["subscription"]]
        if not row["late"] and row["reason"] != "late_usage":
            periods.firsts.setdefault(row["boundary"], []).append((row["invoice"], row["id"], row["price"]))
        if row["reason"] == "usage" or (row["reason"] == "late_usage" and row["amount"] > 0):
            given = [*back.get(row["id"], ()), *(_credited(each) for each in credits.get(row["id"], ()))]
            periods.usage.append(_billed(row, given, taken.get(row["id"]), by_id))
    return found


def _lines_of(organization: str, since: Mapping[str, datetime]) -> Any:  # Any: a query
    mine = (invoice.organization == organization) & invoice.subscription.in_(list(since))
    standing: ColumnElement[bool] = (invoice.status != DRAFT) & (
        (invoice.status != VOID) | invoice.forgiven.is_(True)
    )
    start = min(since.values())
    wanted = or_(
        (invoice.boundary > start) & or_(line.reason == "usage", line.position == 0),
        (line.reason == "late_usage") & (line.period_to > start),  # also on an earlier boundary's that was billed anew
    )
    return (
        select(
            invoice_lines, invoice.subscription, invoice.boundary, invoice.currency, invoice.status, invoice.taxes,
            invoice.late,
        )
        .join(invoices, invoice.id == line.invoice)
        .where(mine, standing, wanted)
        .order_by(invoice.issued_at, line.invoice, line.position)
    )


def _billed(
    row: RowMapping, given: Iterable[Given], taken: tuple[int, Decimal] | None, rates: Mapping[str, TaxRate]
) -> BilledUsage:
    unit = currency(row["currency"])
    treatment = treatment_of(row, unit, rates)
    inclusive = bool(treatment.rates) and treatment.rates[0].inclusive
    period = Period(row["period_from"], row["period_to"])
    with exactly():
        after = row["amount"] - row["discount"] + (row["tax"] if inclusive else 0)
        left = after - sum(net + (tax if inclusive else 0) for net, tax in given)
        rated = row["amount"] if row["entered"] is None else row["entered"]
        corrected, quantity = taken or (0, ZERO)
        return BilledUsage(
            row["invoice"], row["id"], (row["price"], tuple(row["group_values"]), period), from_minor(rated, unit),
            from_minor(-corrected, unit), Decimal(row["quantity"]) + quantity, from_minor(after, unit),
            from_minor(0 if row["status"] == VOID else max(left, 0), unit), treatment,
        )


def _credited(row: RowMapping) -> Given:
    """What a credit on an invoice gives back."""
    return row["discount"] - row["amount"], -row["tax"]


def _given_back(connection: Connection, organization: str, ids: Sequence[str]) -> dict[str, list[Given]]:
    """What credit notes gave back of lines."""
    sums = select(noted.line, func.sum(noted.amount), func.sum(noted.tax))
    mine = (noted.organization == organization) & noted.line.in_(ids)
    return {id: [(int(net), int(tax))] for id, net, tax in connection.execute(sums.where(mine).group_by(noted.line))}


def _taken_back(
    connection: Connection, organization: str, ids: Sequence[str]
) -> dict[str, tuple[int, Decimal]]:
    """What late usage took back of lines, as rated, in minor units and in units: both mostly below zero."""
    found: dict[str, tuple[int, Decimal]] = {}
    query = select(credit.line, credit.rated, credit.quantity)
    with exactly():
        for id, rated, quantity in connection.execute(
            query.where((credit.organization == organization) & credit.line.in_(ids))
        ):
            before = found.get(id, (0, ZERO))
            found[id] = before[0] + rated, before[1] + Decimal(quantity)
    return found


def note_credits(
    connection: Connection, organization: str, finalised: Iterable[tuple[str | None, Sequence[Line], int, Currency]]
) -> None:
    """Remember what credits of finalised boundaries take back, whatever of it their invoices could bear.

    finalised  the invoice, None where there is none; its lines as rated, the position, the currency
    """
    rows = [
        {
            "organization": organization, "line": each.corrects[1], "position": position, "invoice": made,
            "rated": to_minor(each.rated, unit), "quantity": plain(each.quantity),
        }
        for made, lines, position, unit in finalised for each in lines
        if each.rated is not None and each.corrects is not None
    ]
    if rows:
        connection.execute(insert(usage_credits), rows)


def forget_credits(connection: Connection, organization: str, invoices: Collection[str]) -> None:
    """An invoice was voided to be billed anew: what it took back is charged again."""
    mine = (credit.organization == organization) & credit.invoice.in_(list(invoices))
    connection.execute(delete(usage_credits).where(mine))
