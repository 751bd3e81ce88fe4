"""Balances of customers; the journal tells of money that belongs to no invoice yet, and kinds are the program's.

Reversible while every entry is of one of the kinds from before. Holds up writers to the journal: on SQLite its two
tables are copied.
"""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.append_only import protect, unprotect
from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Name

revision = "0016_balances"
down_revision = "0015_changes"

KINDS = "kind IN ('invoice', 'payment', 'release', 'void')"


def upgrade() -> None:
    op.create_table(
        "customer_balances",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("organization", "customer", "currency", name="customer_balances_pk"),
        sa.CheckConstraint("amount >= 0", name="customer_balances_amount"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "balance_entries",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("invoice", Identifier, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="balance_entries_pk"),
        sa.CheckConstraint("amount <> 0", name="balance_entries_amount"),
        sa.CheckConstraint("balance >= 0", name="balance_entries_balance"),
        **PADDED_ENGINE,
    )
    op.create_index("balance_entries_source", "balance_entries", ["organization", "source"], unique=True)
    of_customer = ["organization", "customer", "currency", "id"]
    op.create_index("balance_entries_of_customer", "balance_entries", of_customer, unique=False)
    op.create_index("balance_entries_of_invoice", "balance_entries", ["organization", "invoice"], unique=False)
    protect(op.get_bind(), "balance_entries")
    if op.get_bind().dialect.name == "sqlite":
        _copied(sa.Column("invoice", Identifier, nullable=True))
    else:
        op.drop_constraint("journal_entries_kind", "journal_entries", type_="check")
        op.alter_column("journal_entries", "invoice", existing_type=Identifier, nullable=True)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copied(
            sa.Column("invoice", Identifier, nullable=False), sa.CheckConstraint(KINDS, name="journal_entries_kind")
        )
    else:
        op.alter_column("journal_entries", "invoice", existing_type=Identifier, nullable=False)
        op.create_check_constraint("journal_entries_kind", "journal_entries", KINDS)
    unprotect(op.get_bind(), "balance_entries")
    op.drop_table("balance_entries")
    op.drop_table("customer_balances")


def _copied(invoice: sa.Column[str], *constraints: sa.CheckConstraint) -> None:
    """SQLite changes no column: the journal is copied into tables that have it as wanted."""
    for table in ("journal_entries", "journal_postings"):
        unprotect(op.get_bind(), table)
    op.create_table(
        "new_entries",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        invoice,
        sa.Column("payment", Identifier, nullable=True),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("day", Identifier, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="journal_entries_pk"),
        *constraints,
    )
    op.create_table(
        "new_postings",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("entry", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("debit", Identifier, nullable=False),
        sa.Column("credit", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry", "position", name="journal_postings_pk"),
        sa.ForeignKeyConstraint(["entry"], ["new_entries.id"], name="journal_postings_entry_fk"),
        sa.CheckConstraint("amount > 0", name="journal_postings_amount"),
        sa.CheckConstraint("debit <> credit", name="journal_postings_accounts"),
    )
    op.execute("INSERT INTO new_entries SELECT * FROM journal_entries")
    op.execute("INSERT INTO new_postings SELECT * FROM journal_postings")
    op.drop_table("journal_postings")
    op.drop_table("journal_entries")
    op.rename_table("new_entries", "journal_entries")
    op.rename_table("new_postings", "journal_postings")
    op.create_index("journal_entries_source", "journal_entries", ["organization", "source"], unique=True)
    op.create_index("journal_entries_by_day", "journal_entries", ["organization", "day", "id"], unique=False)
    op.create_index("journal_entries_of_invoice", "journal_entries", ["organization", "invoice", "id"], unique=False)
    for table in ("journal_entries", "journal_postings"):
        protect(op.get_bind(), table)
