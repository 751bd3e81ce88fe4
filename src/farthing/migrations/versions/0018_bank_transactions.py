"""Transfers as banks tell them. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Hash, Identifier, Instant, LongText, Name

revision = "0018_bank_transactions"
down_revision = "0017_credit_notes"


def upgrade() -> None:
    op.create_table(
        "bank_transactions",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("bank_id", Name, nullable=True),
        sa.Column("mark", Hash, nullable=False),
        sa.Column("booked_at", Instant, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("reference", LongText, nullable=False),
        sa.Column("name", Name, nullable=True),
        sa.Column("sender", Name, nullable=True),
        sa.Column("iban", Name, nullable=True),
        sa.Column("customer", Identifier, nullable=True),
        sa.Column("status", Identifier, nullable=False),
        sa.Column("paid_by", Identifier, nullable=True),
        sa.Column("reconciliation", Identifier, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("amount > 0", name="bank_transactions_amount"),
        sa.CheckConstraint("status IN ('unmatched', 'proposed', 'matched')", name="bank_transactions_status"),
        sa.CheckConstraint(
            "(status = 'matched') = (reconciliation IS NOT NULL)", name="bank_transactions_matched"
        ),
        sa.PrimaryKeyConstraint("id", name="bank_transactions_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("bank_transactions_mark", "bank_transactions", ["organization", "mark"], unique=True)
    for name, column in (("of_reconciliation", "reconciliation"), ("from_iban", "iban"), ("from_sender", "sender")):
        op.create_index(f"bank_transactions_{name}", "bank_transactions", ["organization", column], unique=False)
    op.create_index("bank_transactions_of_organization", "bank_transactions", ["organization", "id"], unique=False)
    by_status = ["organization", "status", "id"]
    op.create_index("bank_transactions_by_status", "bank_transactions", by_status, unique=False)


def downgrade() -> None:
    op.drop_table("bank_transactions")
