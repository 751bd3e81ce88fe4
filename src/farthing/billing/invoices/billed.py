"""What subscriptions that changed were billed for fees in advance, and what a boundary makes of it (rule 14)."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, func, select

from farthing.billing.credit_notes.models import credit_note_lines, credited_days
from farthing.billing.invoices.charged_rows import taxes_from
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import DRAFT, VOID
from farthing.billing.subscriptions.agreed import Plans, priced_by, version_marked
from farthing.billing.subscriptions.closing import due_boundaries, is_open
from farthing.billing.subscriptions.values import Subscription
from farthing.catalog import Catalog
from farthing.pricing.agreements import Agreement, Stretch, days_of, fee_stretches
from farthing.pricing.arithmetic import ZERO, exactly, from_minor
from farthing.pricing.boundaries import Boundary, Part, part_of
from farthing.pricing.calendar import Period, local_day
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Line
from farthing.pricing.prices import Billing
from farthing.pricing.proration import BilledFee, adjusting_lines, unbilled
from farthing.pricing.taxes import TaxRate, Treatment

invoice, line = invoices.c, invoice_lines.c


@dataclass(frozen=True, slots=True)
class Due:
    """A boundary of a subscription to be priced."""

    subscription: Subscription
    boundary: Boundary

    @property
    def day(self) -> date:
        """The subscription's local day that begins at the boundary."""
        return local_day(self.boundary.at, ZoneInfo(self.subscription.timezone))


@dataclass(frozen=True, slots=True)
class Fees:
    """The fees on finalised invoices that stand, by subscription, in the order in which they were issued."""

    billed: Mapping[str, Sequence[BilledFee]] = field(default_factory=dict)

    def still(self, due: Due, zone: ZoneInfo) -> Callable[[Stretch], Iterable[Stretch]]:
        """What of a fee's days no invoice of the subscription charges on these terms."""
        billed = self.billed.get(due.subscription.id, ())
        return lambda one: unbilled(one, billed, zone) if billed else (one,)

    def adjusting(self, due: Due, agreement: Agreement, unit: Currency) -> tuple[Line, ...]:
        """The credits and charges that join the invoice of a boundary; none where nothing ever changed."""
        one = due.subscription
        if one.id not in self.billed or not is_adjusted(one, due.boundary):
            return ()
        since = one.adjusted_from
        earlier = [
            each.at for each in due_boundaries(one, due.boundary.at)
            if each.change is None and each.at < due.boundary.at
        ] if due.boundary.change is None else []
        billed = [fee for fee in self.billed[one.id] if since is None or fee.stretch.period.end >= since]
        owed = [stretch for part, kind in _closed_periods(one) for stretch in fee_stretches(agreement, part, kind)]
        window = earlier[-1] if earlier else None, due.boundary.at
        started = None if due.boundary.started is None else due.boundary.started.period
        return adjusting_lines(billed, owed, window, agreement.zone, unit, started)


NO_FEES: Final = Fees()


def is_adjusted(one: Subscription, boundary: Boundary) -> bool:
    """Whether a boundary may have to give back or charge days of a fee that was billed."""
    return one.adjusted_from is not None and one.adjusted_from <= boundary.at


def _closed_periods(one: Subscription) -> Iterator[tuple[Part, Billing]]:
    """The plan periods that reach the first day that was ever touched: those whose fees are billed, by a boundary."""
    through, since = one.billed_through, one.adjusted_from
    if through is None or since is None:
        return
    for era, end in one.life.eras():
        if end is not None and end < since:
            continue
        for n in count(max(era.fees.index_at(max(since, era.begins_at)) - 1, 0)):
            part = part_of(era.fees, n, end)
            start, until = part.period.start, part.period.end
            if start > through:
                break
            if start < until and until >= since and not is_open(one, start):
                yield part, Billing.IN_ADVANCE
            if start < until and since <= until <= through and not is_open(one, until):
                yield part, Billing.IN_ARREARS
            if end is not None and until >= end:
                break


def billed_fees(
    connection: Connection, subscriptions: Collection[Subscription], catalog: Catalog, rates: Sequence[TaxRate]
) -> Fees:
    """What these were billed for fees, in one question; what was voided and forgiven counts, and is worth nothing.

    A line may name a plan that its subscription never had, since a later change of the same day took its place.
    """
    owners = {one.id: one for one in subscriptions}
    organization = next(iter(owners.values())).organization
    mine = (invoice.organization == organization) & invoice.subscription.in_(list(owners))
    standing = (invoice.status != DRAFT) & ((invoice.status != VOID) | invoice.forgiven.is_(True))
    query = (
        select(invoice_lines, invoice.subscription, invoice.currency, invoice.status, invoice.taxes)
        .join(invoices, invoice.id == line.invoice)
        .where(mine, standing, line.reason.in_(("fee", "proration")), line.period_from.is_not(None))
        .order_by(invoice.issued_at, line.invoice, line.position)
    )
    rows = connection.execute(query).mappings().all()
    back: dict[str, list[RowMapping]] = {}
    for row in rows:
        if row["reason"] == "proration":
            back.setdefault(row["corrects_line"], []).append(row)
    fees = [row for row in rows if row["reason"] == "fee"]
    notes, days = by_credit_notes(connection, organization, [row["id"] for row in fees])
    by_id = {rate.id: rate for rate in rates}
    plans = catalog.plans(organization, {version_marked(row["terms"], owners[row["subscription"]]) for row in fees})
    found: dict[str, list[BilledFee]] = {id: [] for id in owners}
    for row in fees:
        owner = owners[row["subscription"]]
        fee = _billed(row, back.get(row["id"], ()), notes.get(row["id"], (0, 0)), owner, plans, by_id)
        found[owner.id].append(replace(fee, credited=(*fee.credited, *days.get(row["id"], ()))))
    return Fees(found)


def by_credit_notes(
    connection: Connection, organization: str, lines: Collection[str]
) -> tuple[Mapping[str, tuple[int, int]], Mapping[str, Sequence[Period]]]:
    """By line: what credit notes gave back of it, net and tax in minor units, and which days if they were for some."""
    note, day = credit_note_lines.c, credited_days.c
    sums = select(note.line, func.sum(note.amount), func.sum(note.tax)).where(
        note.organization == organization, note.line.in_(list(lines))
    )
    amounts = {line: (int(net), int(tax)) for line, net, tax in connection.execute(sums.group_by(note.line))}
    days: dict[str, list[Period]] = {}
    query = select(day.line, day.period_from, day.period_to).where(
        day.organization == organization, day.line.in_(list(lines))
    )
    for line, start, end in connection.execute(query):
        days.setdefault(line, []).append(Period(start, end))
    return amounts, days


def _billed(
    row: RowMapping, back: Sequence[RowMapping], noted: tuple[int, int], owner: Subscription, plans: Plans,
    rates: Mapping[str, TaxRate],
) -> BilledFee:
    unit = currency(row["currency"])
    by = priced_by(row["terms"], row["price"], owner, plans)
    period = Period(row["period_from"], row["period_to"])
    whole = days_of(period, ZoneInfo(owner.timezone))
    days, of = (row["days"], row["of_days"]) if row["of_days"] else (whole, whole)
    stretch = Stretch(by.price, by.quantity, period, days, of, row["terms"])
    treatment = treatment_of(row, unit, rates)
    inclusive = bool(treatment.rates) and treatment.rates[0].inclusive
    with exactly():
        entered = row["entered"] if inclusive and row["entered"] is not None else row["amount"]
        after = row["amount"] - row["discount"] + (row["tax"] if inclusive else 0)
        left = after + sum(_given_back(each, inclusive) for each in back) - noted[0] - (noted[1] if inclusive else 0)
        left = 0 if row["status"] == VOID else left
        return BilledFee(
            row["invoice"], row["id"], row["description"], stretch, from_minor(entered, unit),
            from_minor(entered - after, unit), treatment,
            tuple(Period(each["period_from"], each["period_to"]) for each in back),
            max(from_minor(left, unit), ZERO),
        )


def _given_back(row: RowMapping, inclusive: bool) -> int:
    """What a credit gave back, below zero: 0 once it was voided and forgiven with its invoice."""
    if row["status"] == VOID:
        return 0
    amount: int = row["amount"] + (row["tax"] if inclusive else 0)
    return amount


def treatment_of(row: RowMapping, unit: Currency, rates: Mapping[str, TaxRate]) -> Treatment:
    """How a line was taxed."""
    if row["tax_rates"]:
        return Treatment(tuple(rates[id] for id in row["tax_rates"]))
    untaxed = next((tax for tax in taxes_from(row["taxes"], unit) if tax.rate is None), None)
    return Treatment() if untaxed is None else Treatment((), untaxed.category, untaxed.name, untaxed.reason)
