"""Credit notes, which never change. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.append_only import protect, unprotect
from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, LongText

revision = "0017_credit_notes"
down_revision = "0016_balances"


def upgrade() -> None:
    op.create_table(
        "credit_notes",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("number", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("reason", LongText, nullable=False),
        sa.Column("refund", Identifier, nullable=False),
        sa.Column("made_by", Identifier, nullable=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("subtotal", "tax_total", "total", "applied", "credited", "refunded")
        ),
        sa.Column("issued_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="credit_notes_pk"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="credit_notes_invoice_fk"),
        sa.CheckConstraint("total = subtotal + tax_total", name="credit_notes_total"),
        sa.CheckConstraint("total = applied + credited + refunded", name="credit_notes_settled"),
        sa.CheckConstraint("subtotal > 0 AND tax_total >= 0", name="credit_notes_sign"),
        sa.CheckConstraint("applied >= 0 AND credited >= 0 AND refunded >= 0", name="credit_notes_parts"),
        sa.CheckConstraint("refund IN ('credit', 'payment')", name="credit_notes_refund"),
        **PADDED_ENGINE,
    )
    op.create_index("credit_notes_number", "credit_notes", ["organization", "number"], unique=True)
    op.create_index("credit_notes_of_organization", "credit_notes", ["organization", "id"], unique=False)
    op.create_index("credit_notes_of_customer", "credit_notes", ["organization", "customer", "id"], unique=False)
    op.create_index("credit_notes_of_invoice", "credit_notes", ["organization", "invoice", "id"], unique=False)
    op.create_index("credit_notes_made_by", "credit_notes", ["organization", "made_by"], unique=False)
    op.create_table(
        "credit_note_lines",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("credit_note", Identifier, nullable=False),
        sa.Column("line", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", LongText, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("credit_note", "line", name="credit_note_lines_pk"),
        sa.ForeignKeyConstraint(["credit_note"], ["credit_notes.id"], name="credit_note_lines_note_fk"),
        sa.CheckConstraint("amount > 0 AND tax >= 0", name="credit_note_lines_sign"),
        **PADDED_ENGINE,
    )
    op.create_index("credit_note_lines_of_invoice", "credit_note_lines", ["organization", "invoice"], unique=False)
    for table in ("credit_notes", "credit_note_lines"):
        protect(op.get_bind(), table)


def downgrade() -> None:
    for table in ("credit_note_lines", "credit_notes"):
        unprotect(op.get_bind(), table)
        op.drop_table(table)
