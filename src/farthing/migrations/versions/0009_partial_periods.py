"""Subscriptions that begin and end within periods, trials, overrides, and usage billed more often. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import Identifier, Instant, LongText

revision = "0009_partial_periods"
down_revision = "0008_answer_cache"

ADDED = (
    ("plan_versions", "usage_unit", Identifier),
    ("plan_versions", "trial_days", sa.Integer()),
    ("subscriptions", "usage_unit", Identifier),
    ("subscriptions", "trial_ends_at", Instant),
    ("subscriptions", "agreed_end", Instant),
    ("subscriptions", "overrides", LongText),
    ("invoice_lines", "days", sa.Integer()),
    ("invoice_lines", "of_days", sa.Integer()),
)


def upgrade() -> None:
    for table, column, kind in ADDED:
        op.add_column(table, sa.Column(column, kind, nullable=True))


def downgrade() -> None:
    for table, column, _ in reversed(ADDED):
        op.drop_column(table, column)
