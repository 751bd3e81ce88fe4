"""Migrations of subscriptions to new versions of plans. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, LongText

revision = "0025_plan_migrations"
down_revision = "0024_commitments"


def upgrade() -> None:
    op.create_table(
        "plan_migrations",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("plan", Identifier, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("at", Identifier, nullable=False),
        sa.Column("status", Identifier, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("migrated", sa.Integer(), nullable=False),
        sa.Column("refused", Json, nullable=False),
        sa.Column("reached", Identifier, nullable=False),
        sa.Column("error", LongText, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="plan_migrations_pk"),
        **PADDED_ENGINE,
    )
    op.create_index(
        "plan_migrations_of_version", "plan_migrations", ["organization", "plan", "plan_version"], unique=True
    )
    op.create_index("plan_migrations_unfinished", "plan_migrations", ["status", "id"])


def downgrade() -> None:
    op.drop_table("plan_migrations")
