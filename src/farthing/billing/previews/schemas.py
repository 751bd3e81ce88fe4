"""Previews over the wire."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from farthing.billing.invoices.schemas import TaxOut
from farthing.billing.invoices.values import InvoiceLine
from farthing.billing.previews.values import ComingCredit, Compared, Preview, Sums, Upcoming
from farthing.billing.subscriptions.schemas import CancelIn, ChangeIn, PauseIn, PeriodOut
from farthing.kernel.schemas import InstantIn, InstantOut, Reference, Schema, Shown
from farthing.pricing.arithmetic import minus, money, plain
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import spanned


class UpcomingLineOut(Shown):
    """A line as it would be now; it has no identifier yet."""

    optional: ClassVar[frozenset[str]] = frozenset({"group", "corrects"})
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
    corrects: dict[str, str] | None

    @classmethod
    def of(cls, line: InvoiceLine, unit: Currency) -> "UpcomingLineOut":
        return cls(
            description=line.description, price=line.price,
            group=dict(zip(line.group_by, line.group, strict=True)) if line.group_by else None,
            period=PeriodOut.of(line.period), quantity=line.quantity,
            unit_amount=None if line.unit_amount is None else plain(line.unit_amount),
            amount=money(line.amount, unit), tax=money(line.tax, unit), discount=money(line.discount, unit),
            reason=line.reason,
            corrects=dict(zip(("invoice", "line"), line.corrects, strict=True)) if line.corrects else None,
        )


class ComingCreditLineOut(Shown):
    """What a credit note will give back of a line, net, and the tax on it."""

    line: str
    amount: str
    tax: str


class ComingCreditOut(Shown):
    """A credit note that will be made of what the invoice cannot bear, on the invoice that charged it."""

    invoice: str
    lines: list[ComingCreditLineOut]
    subtotal: str
    tax_total: str
    total: str

    @classmethod
    def of(cls, one: ComingCredit, unit: Currency) -> "ComingCreditOut":
        return cls(
            invoice=one.invoice,
            lines=[
                ComingCreditLineOut(line=line, amount=money(part.amount, unit), tax=money(part.tax, unit))
                for line, part in one.parts.items()
            ],
            subtotal=money(one.subtotal, unit), tax_total=money(one.tax_total, unit), total=money(one.total, unit),
        )


class UpcomingInvoiceOut(Shown):
    """An invoice as it would be now: it has neither identifier nor number, and nothing is stored.

    Without a boundary it is one that a change asks for.
    """

    subscription: str
    customer: dict[str, Any]  # Any: the snapshot's JSON
    currency: str
    boundary: InstantOut | None
    as_of: InstantOut
    period: PeriodOut | None
    lines: list[UpcomingLineOut]
    taxes: list[TaxOut]
    subtotal: str
    discount_total: str
    tax_total: str
    total: str
    credit_notes: list[ComingCreditOut]

    @classmethod
    def of(cls, one: Upcoming) -> "UpcomingInvoiceOut":
        return cls(**_upcoming(one))


class InvoicePreviewIn(Schema):
    """Whose invoice, and what would be called before it: one of these, or nothing."""

    subscription: Reference
    change: ChangeIn | None = None
    cancel: CancelIn | None = None
    pause: PauseIn | None = None
    resume: PauseIn | None = None


class InvoicePreviewOut(UpcomingInvoiceOut):
    """The invoice that a call would lead to, without lines where there would be none.

    `without` is the one that there would be otherwise, null for none; `difference` tells by how much what the
    customer is asked for differs, credit notes counted below zero; where it cannot be told, `without_refused` says why.
    """

    optional: ClassVar[frozenset[str]] = frozenset({"without_refused"})
    without: UpcomingInvoiceOut | None
    without_refused: str | None
    difference: str | None

    @classmethod
    def previewed(cls, one: Preview) -> "InvoicePreviewOut":
        unit = currency(one.subscription.currency)
        asked, otherwise = (Decimal(0) if each is None else each.balance for each in (one.invoice, one.without))
        difference = money(minus(asked, otherwise), unit)  # type: ignore[arg-type]  # of two decimals: a decimal
        return cls(
            **_no_invoice(one, unit) if one.invoice is None else _upcoming(one.invoice),
            without=None if one.without is None else UpcomingInvoiceOut.of(one.without), without_refused=one.why,
            difference=difference if one.why is None else None,
        )


def _upcoming(one: Upcoming) -> dict[str, Any]:  # Any: the fields of UpcomingInvoiceOut
    done, unit, due = one.done, one.rated.currency, one.rated.due
    return {
        "subscription": due.subscription.id, "customer": one.buyer.snapshot(), "currency": unit.code,
        "boundary": due.boundary.at if due.boundary.change is None else None, "as_of": one.as_of,
        "period": PeriodOut.of(spanned(done.lines)),
        "lines": [UpcomingLineOut.of(InvoiceLine.of("", line), unit) for line in done.lines],
        "taxes": [TaxOut.of(tax, unit) for tax in done.taxes],
        "subtotal": money(done.totals.subtotal, unit), "discount_total": money(done.totals.discount_total, unit),
        "tax_total": money(done.totals.tax_total, unit), "total": money(done.totals.total, unit),
        "credit_notes": [ComingCreditOut.of(each, unit) for each in one.credits],
    }


def _no_invoice(one: Preview, unit: Currency) -> dict[str, Any]:  # Any: the fields of UpcomingInvoiceOut
    nothing = money(Decimal(0), unit)
    sums = ("subtotal", "discount_total", "tax_total", "total")
    return {
        "subscription": one.subscription.id, "customer": one.buyer.snapshot(), "currency": unit.code, "boundary": None,
        "as_of": one.as_of, "period": None, "lines": [], "taxes": [], "credit_notes": [],
    } | dict.fromkeys(sums, nothing)


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
