"""What is left of the lines of invoices, and what stands against voiding one: the same for everyone (rule 20)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from farthing.billing.credit_notes.models import credit_note_lines, credit_notes
from farthing.billing.invoices.models import invoice_lines, invoices
from farthing.billing.invoices.values import DRAFT, VOID, Invoice, InvoiceCorrected
from farthing.pricing.arithmetic import from_minor
from farthing.pricing.crediting import Standing
from farthing.pricing.currencies import Currency, currency

line, invoice_table = invoice_lines.c, invoices.c
noted, note = credit_note_lines.c, credit_notes.c
Given = Mapping[str, tuple[int, int]]  # net and tax in minor units, by line


def standing_lines(
    connection: Connection, of: Sequence[Invoice], besides: Collection[str] = ()
) -> dict[str, Standing]:
    """The lines of finalised invoices of one organisation with what was given back of each, by identifier.

    Whoever adds to that holds the invoices, and their subscriptions before them.
    besides  invoices, by id, whose corrections do not count: those that are being made
    """
    if not of:
        return {}
    organization, ids = of[0].organization, [one.id for one in of]
    credited = _credited(connection, organization, ids)
    corrected = _corrected(connection, organization, ids, besides)
    return {
        each.id: Standing(
            each.net, each.tax, *_amounts(credited, each.id, unit), *_amounts(corrected, each.id, unit)
        )
        for one in of for unit in [currency(one.currency)] for each in one.lines
    }


def uncorrected(connection: Connection, invoice: Invoice) -> Invoice:
    """The invoice, if nothing was built on it that voiding would take away; raises InvoiceCorrected (rule 20)."""
    for standing in invoice.credit_notes:
        raise InvoiceCorrected(invoice, f"credit note {standing.number} stands on it")
    mine = (note.organization == invoice.organization) & (note.made_by == invoice.id)
    for number in connection.execute(select(note.number).where(mine).order_by(note.id).limit(1)).scalars():
        raise InvoiceCorrected(invoice, f"credit note {number} was made by it")
    later = (line.corrects_invoice == invoice.id) & (invoice_table.organization == invoice.organization)
    query = select(invoice_table.number).join(invoice_lines, line.invoice == invoice_table.id).where(
        later, invoice_table.status.not_in((VOID, DRAFT)), invoice_table.id != invoice.id
    )
    for number in connection.execute(query.order_by(invoice_table.id).limit(1)).scalars():
        raise InvoiceCorrected(invoice, f"invoice {number} corrects it and must be voided first")
    return invoice


def _credited(connection: Connection, organization: str, ids: Collection[str]) -> Given:
    """What credit notes gave back."""
    query = select(noted.line, func.sum(noted.amount), func.sum(noted.tax)).where(
        noted.organization == organization, noted.invoice.in_(list(ids))
    )
    return _given(connection.execute(query.group_by(noted.line)))


def _corrected(
    connection: Connection, organization: str, ids: Collection[str], besides: Collection[str]
) -> Given:
    """What negative lines of other invoices that stand gave back."""
    net = line.amount - line.discount
    query = (
        select(line.corrects_line, func.sum(-net), func.sum(-line.tax))
        .join(invoices, invoice_table.id == line.invoice)
        .where(
            line.organization == organization, line.corrects_invoice.in_(list(ids)), net < 0,
            invoice_table.status.not_in((VOID, DRAFT)), invoice_table.id.not_in(list(besides)),
        )
    )
    return _given(connection.execute(query.group_by(line.corrects_line)))


def _given(rows: Iterable[Any]) -> Given:  # Any: rows
    return {id: (int(net), int(tax)) for id, net, tax in rows}


def _amounts(given: Given, id: str, unit: Currency) -> tuple[Decimal, Decimal]:
    net, tax = given.get(id, (0, 0))
    return from_minor(net, unit), from_minor(tax, unit)
