"""Drafts: an invoice as far as it is known, made and made again until it has a number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from farthing.billing.invoices.charging import Charged
from farthing.billing.invoices.rating import Rated
from farthing.billing.invoices.values import DRAFT, Invoice, InvoiceLine
from farthing.customers import Customer
from farthing.identity import Organization
from farthing.pricing.arithmetic import ZERO
from farthing.pricing.currencies import currency
from farthing.pricing.invoicing import Line, one_off_line, spanned

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


def boundary_draft(rated: Rated, charged: Charged, parties: Parties, now: datetime, name: Name) -> Invoice:
    """The draft of a boundary from what it was rated at (rule 26)."""
    due = rated.due
    return Invoice(
        id=name("inv"), organization=due.subscription.organization, number=None, status=DRAFT,
        subscription=due.subscription.id, currency=due.subscription.currency,
        boundary=due.boundary.at if due.boundary.change is None else None, change=due.boundary.change,
        issued_at=None, due_at=None, credit_applied=ZERO, amount_paid=ZERO, bill_run=None, version=1,
        created_at=now, updated_at=now, **parties.fields(), **_rated_fields(rated, charged, (), name),
    )


def redrafted(
    draft: Invoice, rated: Rated, charged: Charged, parties: Parties, now: datetime, name: Name
) -> Invoice:
    """The same draft rated again; a line that is still there keeps its identifier (rule 26)."""
    changed = replace(draft, **parties.fields(), **_rated_fields(rated, charged, draft.lines, name))
    return replace(changed, version=draft.version + 1, updated_at=now)


def says_the_same(one: Invoice, other: Invoice) -> bool:
    """Whether two drafts differ in nothing that anybody is shown, but for when they were made."""
    return replace(one, **_UNSEEN) == replace(other, **_UNSEEN)


_UNSEEN: Mapping[str, Any] = {"version": 0, "updated_at": None, "position": None}  # Any: the fields of Invoice


def one_off_draft(
    charged: Charged, due_at: datetime | None, parties: Parties, now: datetime, name: Name
) -> Invoice:
    """A draft of lines that somebody wrote; it waits for `finalize` (rule 26)."""
    return Invoice(
        id=name("inv"), organization=parties.seller.id, number=None, status=DRAFT, subscription=None,
        currency=parties.buyer.currency, boundary=None, period=None, issued_at=None, due_at=due_at,
        totals=charged.done.totals, taxes=charged.done.taxes, credit_applied=ZERO, amount_paid=ZERO, position=None,
        bill_run=None, version=1,
        created_at=now, updated_at=now, lines=one_off_lines(charged.done.lines, name), **parties.fields(),
    )


def one_off_lines(lines: Sequence[Line], name: Name) -> tuple[InvoiceLine, ...]:
    return tuple(InvoiceLine.of(name("lin"), line) for line in lines)


def entered(draft: Invoice) -> list[Line]:
    """The lines of a one-off draft as they were written."""
    unit = currency(draft.currency)
    return [
        one_off_line(
            line.description, Decimal(line.quantity), line.unit_amount or ZERO, unit, line.tax_code, line.charge
        )
        for line in draft.lines
    ]


def charge_lines(draft: Invoice) -> list[Line]:
    """The one-off charges that stand on a draft, as they were entered: it keeps them (rule 26)."""
    return entered(replace(draft, lines=[line for line in draft.lines if line.charge is not None]))


def recharged(draft: Invoice, charged: Charged) -> Invoice:
    """A one-off draft with the same lines, discounted and taxed anew."""
    lines = [
        InvoiceLine.of(was.id, line) for was, line in zip(draft.lines, charged.done.lines, strict=True)
    ]
    return replace(draft, lines=tuple(lines), totals=charged.done.totals, taxes=charged.done.taxes)


def _rated_fields(
    rated: Rated, charged: Charged, earlier: Sequence[InvoiceLine], name: Name
) -> dict[str, Any]:  # Any: the fields of Invoice
    done = charged.done
    return {
        "period": spanned(done.lines), "totals": done.totals, "taxes": done.taxes, "position": rated.position,
        "late": rated.due.boundary.late,
        "lines": _stored(done.lines, earlier, name),
    }


def _stored(lines: Sequence[Line], earlier: Sequence[InvoiceLine], name: Name) -> tuple[InvoiceLine, ...]:
    known = {line.mark: line.id for line in earlier}
    stored = [InvoiceLine.of("", line) for line in lines]
    return tuple(replace(line, id=known.get(line.mark) or name("lin")) for line in stored)
