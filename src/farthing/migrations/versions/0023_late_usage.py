"""What came late, and what of it was billed. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, LongText

revision = "0023_late_usage"
down_revision = "0023_invoices_by_issue"


def upgrade() -> None:
    op.create_table(
        "late_arrivals",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("earliest", Instant, nullable=True),
        sa.Column("latest", Instant, nullable=True),
        sa.PrimaryKeyConstraint("organization", "subject_ref", "meter", "seq", name="late_arrivals_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("late_arrivals_by_seq", "late_arrivals", ["organization", "seq"], unique=False)
    op.create_table(
        "usage_credits",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("line", Identifier, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("invoice", Identifier, nullable=True),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.Column("quantity", LongText, nullable=False),
        sa.PrimaryKeyConstraint("line", "position", name="usage_credits_pk"),
        sa.ForeignKeyConstraint(["line"], ["invoice_lines.id"], name="usage_credits_line_fk"),
        **PADDED_ENGINE,
    )
    op.create_index("usage_credits_of_invoice", "usage_credits", ["organization", "invoice"], unique=False)
    op.add_column("subscriptions", sa.Column("late_through", sa.BigInteger(), nullable=True))
    op.add_column("subscriptions", sa.Column("late_open", sa.Boolean(), nullable=True))
    op.add_column("invoices", sa.Column("late", sa.Boolean(), nullable=True))
    op.add_column("bill_runs", sa.Column("position", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("bill_runs", "position")
    op.drop_column("invoices", "late")
    op.drop_column("subscriptions", "late_open")
    op.drop_column("subscriptions", "late_through")
    op.drop_table("usage_credits")
    op.drop_table("late_arrivals")
