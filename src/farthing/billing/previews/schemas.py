"""Previews over the wire."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from farthing.billing.invoices.schemas import TaxOut
from farthing.billing.invoices.values import InvoiceLine
from farthing.billing.previews.values import Compared, Sums, Upcoming
from farthing.billing.subscriptions.schemas import PeriodOut
from farthing.kernel.schemas import InstantIn, InstantOut, Reference, Schema, Shown
from farthing.pricing.arithmetic import minus, money, plain
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import spanned


class UpcomingLineOut(Shown):
    """A line as it would be now; it has no identifier yet."""

    optional: ClassVar[frozenset[str]] = frozenset({"group"})
    description: str
    price: str | None
    group: dict[str, str | None] | None
    period: PeriodOut | None
    quantity: str
    unit_amount: str | None
    amount: str
    tax: str
    discount: str
    reason: str

    @classmethod
    def of(cls, line: InvoiceLine, unit: Currency) -> "UpcomingLineOut":
        return cls(
            description=line.description, price=line.price,
            group=dict(zip(line.group_by, line.group, strict=True)) if line.group_by else None,
            period=PeriodOut.of(line.period), quantity=line.quantity,
            unit_amount=None if line.unit_amount is None else plain(line.unit_amount),
            amount=money(line.amount, unit), tax=money(line.tax, unit), discount=money(line.discount, unit),
            reason=line.reason,
        )


class UpcomingInvoiceOut(Shown):
    """The next invoice as it would be now: it has neither identifier nor number, and nothing is stored."""

    subscription: str
    customer: dict[str, Any]  # Any: the snapshot's JSON
    currency: str
    boundary: InstantOut
    as_of: InstantOut
    period: PeriodOut | None
    lines: list[UpcomingLineOut]
    taxes: list[TaxOut]
    subtotal: str
    discount_total: str
    tax_total: str
    total: str

    @classmethod
    def of(cls, one: Upcoming) -> "UpcomingInvoiceOut":
        done, unit = one.done, one.rated.currency
        lines = [InvoiceLine.of("", line) for line in done.lines]
        return cls(
            subscription=one.rated.due.subscription.id, customer=one.buyer.snapshot(), currency=unit.code,
            boundary=one.rated.due.boundary.at, as_of=one.as_of, period=PeriodOut.of(spanned(done.lines)),
            lines=[UpcomingLineOut.of(line, unit) for line in lines],
            taxes=[TaxOut.of(tax, unit) for tax in done.taxes],
            subtotal=money(done.totals.subtotal, unit), discount_total=money(done.totals.discount_total, unit),
            tax_total=money(done.totals.tax_total, unit), total=money(done.totals.total, unit),
        )


class SimulationIn(Schema):
    """What if: a time whose periods are priced again, and by what: another plan, or prices in each own currency."""

    start: Annotated[InstantIn, Field(alias="from")]
    end: Annotated[InstantIn, Field(alias="to")]
    customers: Annotated[list[Reference], Field(min_length=1, max_length=1000)] | None = None
    plan: Reference | None = None
    prices: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=200)] | None = None  # Any: a Price


class SumsOut(Shown):
    """What is charged, what would be, and the difference, in one currency, before discounts and taxes."""

    currency: str
    current: str
    simulated: str
    difference: str

    @classmethod
    def of(cls, one: Sums) -> "SumsOut":
        return cls(currency=one.currency, **_amounts(one))


class ComparedOut(SumsOut):
    """The same for one customer; `refused` tells what has no price under the other terms."""

    optional: ClassVar[frozenset[str]] = frozenset({"refused"})
    customer: str
    customer_key: str | None
    refused: list[str] | None

    @classmethod
    def compared(cls, one: Compared, key: str | None) -> "ComparedOut":
        return cls(
            customer=one.customer, customer_key=key, currency=one.sums.currency,
            refused=list(one.refused) or None, **_amounts(one.sums),
        )


class SimulationOut(Shown):
    """The difference by customer and in total."""

    data: list[ComparedOut]
    totals: list[SumsOut]


def _amounts(one: Sums) -> dict[str, str]:
    unit = currency(one.currency)
    difference = money(minus(one.simulated, one.current), unit)  # type: ignore[arg-type]  # of two decimals: a decimal
    return {"current": money(one.current, unit), "simulated": money(one.simulated, unit), "difference": difference}
