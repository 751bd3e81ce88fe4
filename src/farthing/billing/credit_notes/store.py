"""Rows of credit notes: added, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from farthing.billing.credit_notes.models import credit_note_lines, credit_notes
from farthing.billing.credit_notes.values import CreditNote, CreditNoteLine
from farthing.billing.invoices.models import invoices
from farthing.kernel.ids import is_id
from farthing.pricing.arithmetic import from_minor, to_minor
from farthing.pricing.crediting import Settled
from farthing.pricing.currencies import Currency, currency

note, line = credit_notes.c, credit_note_lines.c
SAME = ("id", "organization", "number", "invoice", "customer", "currency", "reason", "refund", "made_by", "issued_at")
Row = dict[str, Any]  # Any: a row's columns


@dataclass(frozen=True, slots=True)
class CreditNoteStore:
    connection: Connection

    def add(self, made: Sequence[CreditNote]) -> None:
        """New credit notes with their lines."""
        if made:
            self.connection.execute(insert(credit_notes), [_row(one) for one in made])
            self.connection.execute(insert(credit_note_lines), [row for one in made for row in _line_rows(one)])

    def find(self, organization: str, reference: str) -> CreditNote | None:
        """By id or number, with its lines."""
        name = note.id if is_id(reference, "crn") else note.number
        query = _complete_rows().where(note.organization == organization, name == reference)
        return next(iter(self._complete(self.connection.execute(query).mappings().all())), None)

    def page(
        self, organization: str, customer: str | None, invoice: str | None, after: str, limit: int
    ) -> list[CreditNote]:
        """By age, after the given id."""
        wanted = [note.organization == organization, note.id > after]
        wanted += [] if customer is None else [note.customer == customer]
        wanted += [] if invoice is None else [note.invoice == invoice]
        query = _complete_rows().where(*wanted).order_by(note.id).limit(limit)
        return self._complete(self.connection.execute(query).mappings().all())

    def _complete(self, rows: Sequence[RowMapping]) -> list[CreditNote]:
        """The notes of these rows, with all their lines in one question."""
        found = {row["id"]: _value(row) for row in rows}
        lines: dict[str, list[CreditNoteLine]] = {id: [] for id in found}
        query = select(credit_note_lines).where(line.credit_note.in_(list(found)))
        for row in self.connection.execute(query.order_by(line.credit_note, line.position)).mappings():
            unit = currency(found[row["credit_note"]].currency)
            lines[row["credit_note"]].append(CreditNoteLine(
                row["line"], row["description"], from_minor(row["amount"], unit), from_minor(row["tax"], unit)
            ))
        return [replace(one, lines=tuple(lines[id])) for id, one in found.items()]


def _complete_rows() -> Any:  # Any: a select of a whole row and its invoice's number
    return select(credit_notes, invoices.c.number.label("invoice_number")).join(
        invoices, invoices.c.id == note.invoice
    )


def settled_from(row: RowMapping, unit: Currency) -> Settled:
    """Where a note's total went."""
    return Settled(*(from_minor(row[name], unit) for name in ("applied", "credited", "refunded")))


def _row(one: CreditNote) -> Row:
    unit = currency(one.currency)
    sums = {
        "subtotal": one.subtotal, "tax_total": one.tax_total, "total": one.total, "applied": one.to.applied,
        "credited": one.to.credited, "refunded": one.to.refunded,
    }
    return {name: getattr(one, name) for name in SAME} | {
        name: to_minor(amount, unit) for name, amount in sums.items()
    }


def _line_rows(one: CreditNote) -> list[Row]:
    unit = currency(one.currency)
    return [
        {
            "organization": one.organization, "credit_note": one.id, "line": each.line, "invoice": one.invoice,
            "position": number, "description": each.description, "amount": to_minor(each.amount, unit),
            "tax": to_minor(each.tax, unit),
        }
        for number, each in enumerate(one.lines)
    ]


def _value(row: RowMapping) -> CreditNote:
    same = {name: row[name] for name in (*SAME, "invoice_number")}
    return CreditNote(**same, to=settled_from(row, currency(row["currency"])))
