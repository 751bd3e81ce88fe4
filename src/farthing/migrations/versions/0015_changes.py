"""Subscriptions that change and pause, and lines that correct others. Reversible while nobody has used either."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, LongText

revision = "0015_changes"
down_revision = "0014_audit_log"

ADDED = (
    ("subscriptions", "changes", LongText),
    ("subscriptions", "pauses", LongText),
    ("subscriptions", "paused_from", Instant),
    ("subscriptions", "paused_until", Instant),
    ("subscriptions", "cuts", LongText),
    ("subscriptions", "own_invoices", LongText),
    ("subscriptions", "adjusted_from", Instant),
    ("invoices", "change", sa.Integer()),
    ("invoices", "forgiven", sa.Boolean()),
    ("invoice_lines", "corrects_invoice", Identifier),
    ("invoice_lines", "corrects_line", Identifier),
    ("invoice_lines", "terms", LongText),
)


def upgrade() -> None:
    for table, column, kind in ADDED:
        op.add_column(table, sa.Column(column, kind, nullable=True))
    op.create_index("invoice_lines_correcting", "invoice_lines", ["corrects_invoice"], unique=False)
    op.create_table(
        "subscription_plans",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("plan", Identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subscription", Identifier, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization", "plan", "version", "subscription", name="subscription_plans_pk"
        ),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("subscription_plans")
    op.drop_index("invoice_lines_correcting", "invoice_lines")
    for table, column, _ in reversed(ADDED):
        op.drop_column(table, column)
