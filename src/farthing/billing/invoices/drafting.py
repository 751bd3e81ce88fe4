"""Drafts: an invoice as far as it is known, made and made again until it has a number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.values import DRAFT, Invoice, InvoiceLine
from farthing.catalog import Plan
from farthing.customers import Customer
from farthing.identity import Organization
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.invoicing import Line, spanned, totals

Name = Callable[[str], str]  # an identifier from its prefix


@dataclass(frozen=True, slots=True)
class Parties:
    """Who bills and who is billed, as they are now."""

    seller: Organization
    buyer: Customer

    def on(self, draft: Invoice) -> Invoice:
        """The draft with both as they are now."""
        return replace(draft, **self.fields())

    def fields(self) -> dict[str, Any]:  # Any: the fields of Invoice
        return {
            "customer": self.buyer.id, "buyer": self.buyer.snapshot(), "seller": self.seller.seller(),
            "payment_terms_days": self.buyer.payment_terms_days,
        }


def boundary_draft(rated: Rated, parties: Parties, now: datetime, name: Name) -> Invoice:
    """The draft of a boundary from what it was rated at (rule 26)."""
    due = rated.due
    return Invoice(
        id=name("inv"), organization=due.subscription.organization, number=None, status=DRAFT,
        subscription=due.subscription.id, currency=rated.plan.currency, boundary=due.boundary.at,
        issued_at=None, due_at=None, credit_applied=ZERO, amount_paid=ZERO, bill_run=None, version=1,
        created_at=now, updated_at=now, **parties.fields(), **_rated_fields(rated, (), name),
    )


def redrafted(draft: Invoice, rated: Rated, parties: Parties, now: datetime, name: Name) -> Invoice:
    """The same draft rated again; a line that is still there keeps its identifier (rule 26)."""
    changed = replace(draft, **parties.fields(), **_rated_fields(rated, draft.lines, name))
    return replace(changed, version=draft.version + 1, updated_at=now)


def says_the_same(one: Invoice, other: Invoice) -> bool:
    """Whether two drafts differ in nothing that anybody is shown, but for when they were made."""
    return replace(one, **_UNSEEN) == replace(other, **_UNSEEN)


_UNSEEN: Mapping[str, Any] = {"version": 0, "updated_at": None, "position": None}  # Any: the fields of Invoice


def one_off_draft(
    lines: Sequence[Line], due_at: datetime | None, parties: Parties, now: datetime, name: Name
) -> Invoice:
    """A draft of lines that somebody wrote; it waits for `finalize` (rule 26)."""
    return Invoice(
        id=name("inv"), organization=parties.seller.id, number=None, status=DRAFT, subscription=None,
        currency=parties.buyer.currency, boundary=None, period=None, issued_at=None, due_at=due_at,
        totals=totals(lines), credit_applied=ZERO, amount_paid=ZERO, position=None, bill_run=None, version=1,
        created_at=now, updated_at=now, lines=one_off_lines(lines, name), **parties.fields(),
    )


def one_off_lines(lines: Sequence[Line], name: Name) -> tuple[InvoiceLine, ...]:
    return tuple(InvoiceLine.of(name("lin"), line) for line in lines)


def _rated_fields(
    rated: Rated, earlier: Sequence[InvoiceLine], name: Name
) -> dict[str, Any]:  # Any: the fields of Invoice
    return {
        "period": spanned(rated.lines), "totals": totals(rated.lines), "position": rated.position,
        "lines": _stored(rated.lines, rated.plan, earlier, name),
    }


def _stored(
    lines: Sequence[Line], plan: Plan, earlier: Sequence[InvoiceLine], name: Name
) -> tuple[InvoiceLine, ...]:
    group_by = {price.key: price.group_by for price in plan.prices}
    known = {line.mark: line.id for line in earlier}
    stored = [InvoiceLine.of("", line, group_by.get(line.price or "", ())) for line in lines]
    return tuple(replace(line, id=known.get(line.mark) or name("lin")) for line in stored)
