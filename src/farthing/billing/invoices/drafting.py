"""Drafts: an invoice as far as it is known, made and made again until it has a number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.values import DRAFT, Invoice, InvoiceLine
from farthing.catalog import Plan
from farthing.customers import Customer
from farthing.identity import Organization
from farthing.kernel.ids import NewId
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.invoicing import Line, spanned, totals


@dataclass(frozen=True, slots=True)
class Parties:
    """Who bills and who is billed, as they are now."""

    seller: Organization
    buyer: Customer

    def fields(self) -> dict[str, Any]:  # Any: the fields of Invoice
        return {
            "customer": self.buyer.id, "buyer": self.buyer.snapshot(), "seller": self.seller.seller(),
            "payment_terms_days": self.buyer.payment_terms_days,
        }


def boundary_draft(
    rated: Rated, earlier: Invoice | None, parties: Parties, position: int, now: datetime, new_id: NewId
) -> Invoice:
    """The draft of a boundary from what it was rated at: a new one, or `earlier` made again (rule 26)."""
    due = rated.due
    lines = _stored(rated.lines, rated.plan, now, new_id)
    fields = parties.fields() | {
        "period": spanned(rated.lines), "totals": totals(rated.lines), "lines": lines, "position": position,
        "updated_at": now,
    }
    if earlier is not None:
        return replace(earlier, version=earlier.version + 1, **fields)
    return Invoice(
        id=new_id("inv", now), organization=due.subscription.organization, number=None, status=DRAFT,
        subscription=due.subscription.id, currency=rated.plan.currency, boundary=due.boundary.at,
        issued_at=None, due_at=None, credit_applied=ZERO, amount_paid=ZERO, bill_run=None, version=1,
        created_at=now, **fields,
    )


def _stored(lines: Sequence[Line], plan: Plan, now: datetime, new_id: NewId) -> tuple[InvoiceLine, ...]:
    group_by = {price.key: price.group_by for price in plan.prices}
    return tuple(InvoiceLine.of(new_id("lin", now), line, group_by.get(line.price or "", ())) for line in lines)


def one_off_draft(
    lines: Sequence[Line], due_at: datetime | None, parties: Parties, now: datetime, new_id: NewId
) -> Invoice:
    """A draft of lines that somebody wrote; it waits for `finalize` (rule 26)."""
    return Invoice(
        id=new_id("inv", now), organization=parties.seller.id, number=None, status=DRAFT, subscription=None,
        currency=parties.buyer.currency, boundary=None, period=None, issued_at=None, due_at=due_at,
        totals=totals(lines), credit_applied=ZERO, amount_paid=ZERO, position=None, bill_run=None, version=1,
        created_at=now, updated_at=now, lines=tuple(InvoiceLine.of(new_id("lin", now), line) for line in lines),
        **parties.fields(),
    )
