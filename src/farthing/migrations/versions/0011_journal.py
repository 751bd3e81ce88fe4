"""The journal: entries, their postings, and revenue to be released. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Name

revision = "0011_journal"
down_revision = "0009_partial_periods"


def upgrade() -> None:
    op.create_table(
        "journal_entries",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("payment", Identifier, nullable=True),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("day", Identifier, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="journal_entries_pk"),
        sa.CheckConstraint("kind IN ('invoice', 'payment', 'release', 'void')", name="journal_entries_kind"),
        **PADDED_ENGINE,
    )
    op.create_index("journal_entries_source", "journal_entries", ["organization", "source"], unique=True)
    op.create_index("journal_entries_by_day", "journal_entries", ["organization", "day", "id"], unique=False)
    op.create_index("journal_entries_of_invoice", "journal_entries", ["organization", "invoice", "id"], unique=False)
    op.create_table(
        "journal_postings",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("entry", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("debit", Identifier, nullable=False),
        sa.Column("credit", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry", "position", name="journal_postings_pk"),
        sa.ForeignKeyConstraint(["entry"], ["journal_entries.id"], name="journal_postings_entry_fk"),
        sa.CheckConstraint("amount > 0", name="journal_postings_amount"),
        sa.CheckConstraint("debit <> credit", name="journal_postings_accounts"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "journal_releases",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("last_day", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("entry", Identifier, nullable=True),
        sa.PrimaryKeyConstraint("invoice", "last_day", name="journal_releases_pk"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="journal_releases_invoice_fk"),
        sa.CheckConstraint("amount <> 0", name="journal_releases_amount"),
        **PADDED_ENGINE,
    )
    op.create_index("journal_releases_due", "journal_releases", ["organization", "entry", "due_at"], unique=False)


def downgrade() -> None:
    for table in ("journal_releases", "journal_postings", "journal_entries"):
        op.drop_table(table)
