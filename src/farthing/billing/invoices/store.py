"""Rows of invoices and their lines."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, func, insert, select, update

from farthing.billing.invoices.attached import credits_on, settlements_of
from farthing.billing.invoices.charged_rows import discounts_from, discounts_json, taxes_from, taxes_json
from farthing.billing.invoices.links import link, unlink
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import DRAFT, VOID, Invoice, InvoiceLine
from farthing.kernel.cache.values import Key
from farthing.kernel.clock import instant_text
from farthing.kernel.database import changes
from farthing.kernel.ids import is_id
from farthing.kernel.strict_json import dumps
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.calendar import Period
from farthing.pricing.currencies import Currency, currency
from farthing.pricing.invoicing import Totals

table = invoices.c
line_table = invoice_lines.c
Row = dict[str, Any]  # Any: a row's columns
Change = tuple[Invoice, Invoice]  # as it was when it was held, and as it is now


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; `since` and `before` look at issued_at, of drafts at the boundary."""

    customer: str | None = None
    status: str | None = None
    bill_run: str | None = None
    subscription: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class InvoiceStore:
    connection: Connection

    def add(self, made: Sequence[Invoice]) -> None:
        """New invoices with their lines. The database refuses a boundary or a line that is billed already."""
        if made:
            self.connection.execute(insert(invoices), [_row(one) for one in made])
            self._add_lines([line for one in made for line in _line_rows(one)])
            link(self.connection, [(None, one) for one in made])

    def save(self, changed: Sequence[Change]) -> None:
        """What became of invoices that are held: they themselves, and those of their lines that differ.

        A line that stays is never taken out and put in again: on MariaDB two who do so lock each other out.
        """
        if not changed:
            return
        _changed((after.organization, after.id) for _, after in changed)
        rows = [_row(after) | {"own_organization": after.organization, "own_id": after.id} for _, after in changed]
        mine = (table.organization == bindparam("own_organization")) & (table.id == bindparam("own_id"))
        self.connection.execute(update(invoices).where(mine), rows)
        before = {row["id"]: row for was, _ in changed for row in _line_rows(was)}
        after = {row["id"]: row for _, now in changed for row in _line_rows(now)}
        self._remove_lines([row for id, row in before.items() if id not in after])
        self._change_lines([row for id, row in after.items() if id in before and row != before[id]])
        self._add_lines([row for id, row in after.items() if id not in before])
        link(self.connection, changed)

    def remove(self, organization: str, drafts: Collection[str]) -> None:
        """Drop drafts, by id, with their lines."""
        if drafts:
            _changed((organization, draft) for draft in drafts)
            mine = (line_table.organization == organization) & line_table.invoice.in_(list(drafts))
            self.connection.execute(delete(invoice_lines).where(mine))
            unlink(self.connection, organization, drafts)
            own = (table.organization == organization) & table.id.in_(list(drafts))
            self.connection.execute(delete(invoices).where(own))

    def find(self, organization: str, reference: str, lock: bool = False) -> Invoice | None:
        """By id or number, with its lines and payments."""
        query = select(invoices).where(_named(organization, reference))
        rows = self.connection.execute(query.with_for_update() if lock else query).mappings().all()
        return next(iter(self._complete(rows)), None)

    def held(self, organization: str, ids: Collection[str]) -> list[Invoice]:
        """These, held in the order of their age, with their lines and payments."""
        mine = (table.organization == organization) & table.id.in_(list(ids))
        query = select(invoices).where(mine).order_by(table.id).with_for_update()
        return self._complete(self.connection.execute(query).mappings().all())

    def id_of(self, organization: str, reference: str) -> str | None:
        """The id of the invoice with this number or id; None when there is none."""
        return self.connection.execute(select(table.id).where(_named(organization, reference))).scalar_one_or_none()

    def many(self, organization: str, ids: Collection[str], lock: bool = False) -> list[Invoice]:
        """Those of these ids that exist; locked in the order of their ids, so that nobody waits in a ring."""
        mine = (table.organization == organization) & table.id.in_(list(ids))
        query = select(invoices).where(mine).order_by(table.id)
        return self._complete(self.connection.execute(query.with_for_update() if lock else query).mappings().all())

    def named(self, organization: str, ids: Collection[str]) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
        """Number and buyer of finalised invoices, by id."""
        query = select(table.id, table.number, table.buyer)
        rows = self.connection.execute(query.where(table.organization == organization, table.id.in_(list(ids))))
        return {id: (number, buyer) for id, number, buyer in rows}

    def version_of(self, organization: str, id: str) -> int | None:
        """How often it has changed, so that a copy can be told from it; None when there is none."""
        query = select(table.version).where((table.organization == organization) & (table.id == id))
        return self.connection.execute(query).scalar_one_or_none()

    def subscription_of(self, organization: str, reference: str) -> str | None:
        """Whose invoice it is; None for a one-off one, and where there is none."""
        query = select(table.subscription).where(_named(organization, reference))
        return self.connection.execute(query).scalar_one_or_none()

    def drafts_of(self, organization: str, subscriptions: Collection[str], lock: bool = False) -> list[Invoice]:
        """The drafts of these subscriptions, with their lines."""
        mine = (table.organization == organization) & (table.status == DRAFT)
        query = select(invoices).where(mine, table.subscription.in_(list(subscriptions))).order_by(table.id)
        return self._complete(self.connection.execute(query.with_for_update() if lock else query).mappings().all())

    def remove_drafts(self, organization: str, subscription: str, after: datetime) -> None:
        """Drop a subscription's drafts of boundaries later than `after`."""
        mine = (table.organization == organization) & (table.subscription == subscription)
        drafts = mine & (table.status == DRAFT) & (table.boundary > after)
        ids = select(table.id).where(drafts).with_for_update()
        self.remove(organization, self.connection.execute(ids).scalars().all())

    def page(self, organization: str, search: Search, after: str, limit: int) -> list[Invoice]:
        wanted = [table.organization == organization, table.id > after, *_conditions(search)]
        query = select(invoices).where(*wanted).order_by(table.id).limit(limit)
        return self._complete(self.connection.execute(query).mappings().all())

    def any_of_customer(self, organization: str, customer: str, statuses: Collection[str] | None = None) -> bool:
        wanted = [table.organization == organization, table.customer == customer]
        if statuses is not None:
            wanted.append(table.status.in_(list(statuses)))
        return self.connection.execute(select(table.id).where(*wanted).limit(1)).first() is not None

    def _add_lines(self, rows: Sequence[Row]) -> None:
        if rows:
            self.connection.execute(insert(invoice_lines), rows)

    def _change_lines(self, rows: Sequence[Row]) -> None:
        if rows:
            keyed = [row | {"own_organization": row["organization"], "own_id": row["id"]} for row in rows]
            self.connection.execute(update(invoice_lines).where(_own_line()), keyed)

    def _remove_lines(self, rows: Sequence[Row]) -> None:
        if rows:
            keyed = [{"own_organization": row["organization"], "own_id": row["id"]} for row in rows]
            self.connection.execute(delete(invoice_lines).where(_own_line()), keyed)

    def _complete(self, rows: Sequence[RowMapping]) -> list[Invoice]:
        """The invoices of these rows, with all their lines, payments and credit notes, in a question each."""
        found = {row["id"]: _value(row) for row in rows}
        lines: dict[str, list[InvoiceLine]] = {id: [] for id in found}
        query = select(invoice_lines).where(line_table.invoice.in_(list(found)))
        for row in self.connection.execute(query.order_by(line_table.invoice, line_table.position)).mappings():
            lines[row["invoice"]].append(_line(row, currency(found[row["invoice"]].currency)))
        final = [id for id, one in found.items() if one.status != DRAFT]
        settlements, credits = settlements_of(self.connection, final), credits_on(self.connection, final)
        return [
            replace(
                one, lines=tuple(lines[id]), settlements=tuple(settlements.get(id, ())),
                credit_notes=tuple(credits.get(id, ())),
            )
            for id, one in found.items()
        ]


def _changed(invoices: Iterable[tuple[str, str]]) -> None:
    """Note invoices, by organisation and id, of which answers may be kept; a new one has none."""
    changes("invoice", (Key(organization, id).name for organization, id in invoices))


def _own_line() -> ColumnElement[bool]:
    return (line_table.organization == bindparam("own_organization")) & (line_table.id == bindparam("own_id"))


def _named(organization: str, reference: str) -> ColumnElement[bool]:
    name = table.id if is_id(reference, "inv") else table.number
    return (table.organization == organization) & (name == reference)


def _line_mark(invoice: Invoice, line: InvoiceLine) -> str | None:
    """What a line is unique by, until its invoice is voided (rules 25 and 26)."""
    if invoice.status == VOID:
        return None
    if line.charge is not None:
        return line.charge
    place = invoice.billed_as
    if place is None or line.period is None:
        return None
    start = instant_text(line.period.start)
    parts = [invoice.subscription, line.price, list(line.group), start, line.reason, place.partition("@")[2] or place]
    if line.corrects is not None:
        parts.append(line.corrects[1])
    return sha256(dumps(parts)).hexdigest()


def _row(invoice: Invoice) -> Row:
    unit = currency(invoice.currency)
    sums = {
        "subtotal": invoice.totals.subtotal, "discount_total": invoice.totals.discount_total,
        "tax_total": invoice.totals.tax_total, "total": invoice.totals.total,
        "credit_applied": invoice.credit_applied, "amount_paid": invoice.amount_paid,
        "amount_due": invoice.amount_due,
    }
    same = (
        *("id", "organization", "number", "status", "customer", "buyer", "seller", "subscription", "currency"),
        *("boundary", "issued_at", "due_at", "payment_terms_days", "position", "bill_run", "change"),
        *("version", "created_at", "updated_at"),
    )
    return {name: getattr(invoice, name) for name in same} | {
        name: to_minor(amount, unit) for name, amount in sums.items()
    } | {
        "period_from": invoice.period.start if invoice.period else None,
        "period_to": invoice.period.end if invoice.period else None,
        "billed_as": invoice.billed_as, "forgiven": invoice.forgiven or None,
        "late": invoice.late or None,
        "taxes": taxes_json(invoice.taxes, unit),
    }


def _line_rows(invoice: Invoice) -> list[Row]:
    return [_line_row(invoice, number, line) for number, line in enumerate(invoice.lines)]


def _line_row(invoice: Invoice, number: int, line: InvoiceLine) -> Row:
    unit = currency(invoice.currency)
    return {
        "id": line.id, "organization": invoice.organization, "invoice": invoice.id, "position": number,
        "description": line.description, "price": line.price, "group_by": list(line.group_by),
        "group_values": list(line.group), "period_from": line.period.start if line.period else None,
        "period_to": line.period.end if line.period else None, "quantity": line.quantity,
        "unit_amount": line.unit_amount, "amount": to_minor(line.amount, unit),
        "reason": line.reason, "tax_code": line.tax_code, "discount": to_minor(line.discount, unit),
        "entered": None if line.entered is None else to_minor(line.entered, unit),
        "tax": to_minor(line.tax, unit), "tax_rates": list(line.tax_rates) or None,
        "discounts": discounts_json(line.discounts, unit), "billed_as": _line_mark(invoice, line),
        "days": line.prorated[0] if line.prorated else None, "of_days": line.prorated[1] if line.prorated else None,
        "corrects_invoice": line.corrects[0] if line.corrects else None,
        "corrects_line": line.corrects[1] if line.corrects else None, "terms": line.terms,
        "charge": line.charge,
    }


def _value(row: RowMapping) -> Invoice:
    unit = currency(row["currency"])
    sums = Totals(*(from_minor(row[name], unit) for name in ("subtotal", "discount_total", "tax_total", "total")))
    return Invoice(
        id=row["id"], organization=row["organization"], number=row["number"], status=row["status"],
        customer=row["customer"], buyer=row["buyer"], seller=row["seller"], subscription=row["subscription"],
        currency=row["currency"], boundary=row["boundary"], period=_period(row), issued_at=row["issued_at"],
        due_at=row["due_at"], payment_terms_days=row["payment_terms_days"], totals=sums,
        credit_applied=from_minor(row["credit_applied"], unit), amount_paid=from_minor(row["amount_paid"], unit),
        position=row["position"], bill_run=row["bill_run"], version=row["version"],
        created_at=row["created_at"], updated_at=row["updated_at"], taxes=taxes_from(row["taxes"], unit),
        change=row["change"], forgiven=bool(row["forgiven"]), late=bool(row["late"]),
    )


def _line(row: RowMapping, unit: Currency) -> InvoiceLine:
    return InvoiceLine(
        id=row["id"], description=row["description"], price=row["price"], group_by=tuple(row["group_by"]),
        group=tuple(row["group_values"]), period=_period(row), quantity=row["quantity"],
        unit_amount=row["unit_amount"], amount=from_minor(row["amount"], unit), reason=row["reason"],
        tax_code=row["tax_code"], discount=from_minor(row["discount"], unit), tax=from_minor(row["tax"], unit),
        entered=from_minor(row["amount"] if row["entered"] is None else row["entered"], unit),
        tax_rates=tuple(row["tax_rates"] or ()), discounts=discounts_from(row["discounts"], unit),
        prorated=(row["days"], row["of_days"]) if row["of_days"] else None, terms=row["terms"],
        corrects=(row["corrects_invoice"], row["corrects_line"]) if row["corrects_line"] else None,
        charge=row["charge"],
    )


def _period(row: RowMapping) -> Period | None:
    return Period(row["period_from"], row["period_to"]) if row["period_from"] is not None else None


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    equal = {"customer": search.customer, "status": search.status, "bill_run": search.bill_run,
             "subscription": search.subscription}
    conditions: list[ColumnElement[bool]] = [
        table[name] == value for name, value in equal.items() if value is not None
    ]
    moment = func.coalesce(table.issued_at, table.boundary, table.created_at)
    if search.since is not None:
        conditions.append(moment >= bindparam("since", search.since, table.issued_at.type))
    if search.before is not None:
        conditions.append(moment < bindparam("before", search.before, table.issued_at.type))
    return conditions
