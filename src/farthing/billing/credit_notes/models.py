"""The tables of credit notes, append only; amounts in minor units, so that the database itself checks the sums."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
)

from farthing.kernel.columns import Identifier, Instant, LongText, required, table

credit_notes = table(
    "credit_notes",
    required("id", Identifier),
    required("organization", Identifier),
    required("number", Identifier),
    required("invoice", Identifier),
    required("customer", Identifier),
    required("currency", Identifier),
    required("reason", LongText),
    required("refund", Identifier),
    Column("made_by", Identifier),  # the invoice whose credits were more than it had (rule 14)
    required("subtotal", BigInteger),
    required("tax_total", BigInteger),
    required("total", BigInteger),
    required("applied", BigInteger),  # to what was due
    required("credited", BigInteger),  # to the customer's balance
    required("refunded", BigInteger),  # as money
    required("issued_at", Instant),
    PrimaryKeyConstraint("id", name="credit_notes_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="credit_notes_invoice_fk"),
    Index("credit_notes_number", "organization", "number", unique=True),
    Index("credit_notes_of_organization", "organization", "id"),
    Index("credit_notes_of_customer", "organization", "customer", "id"),
    Index("credit_notes_of_invoice", "organization", "invoice", "id"),
    Index("credit_notes_made_by", "organization", "made_by"),
    CheckConstraint("total = subtotal + tax_total", name="credit_notes_total"),
    CheckConstraint("total = applied + credited + refunded", name="credit_notes_settled"),
    CheckConstraint("subtotal > 0 AND tax_total >= 0", name="credit_notes_sign"),
    CheckConstraint("applied >= 0 AND credited >= 0 AND refunded >= 0", name="credit_notes_parts"),
    CheckConstraint("refund IN ('credit', 'payment')", name="credit_notes_refund"),
)

credit_note_lines = table(
    "credit_note_lines",
    required("organization", Identifier),
    required("credit_note", Identifier),
    required("line", Identifier),  # of the invoice
    required("invoice", Identifier),
    required("position", Integer),
    required("description", LongText),
    required("amount", BigInteger),
    required("tax", BigInteger),
    PrimaryKeyConstraint("credit_note", "line", name="credit_note_lines_pk"),
    ForeignKeyConstraint(["credit_note"], ["credit_notes.id"], name="credit_note_lines_note_fk"),
    Index("credit_note_lines_of_invoice", "organization", "invoice"),
    CheckConstraint("amount > 0 AND tax >= 0", name="credit_note_lines_sign"),
)

# days of fees that credit notes gave back because no invoice could: those of lines are in the lines (rule 14)
credited_days = table(
    "credited_days",
    required("organization", Identifier),
    required("line", Identifier),
    Column("credit_note", Identifier),  # null where nothing was left to be given back
    required("period_from", Instant),
    required("period_to", Instant),
    PrimaryKeyConstraint("line", "period_from", name="credited_days_pk"),
    ForeignKeyConstraint(["line"], ["invoice_lines.id"], name="credited_days_line_fk"),
)
