"""Clocks of sandboxes, and their advances. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, LongText

revision = "0022_test_clocks"
down_revision = "0021_wallets"


def upgrade() -> None:
    op.create_table(
        "test_clocks",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.PrimaryKeyConstraint("organization", name="test_clocks_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "clock_advances",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("under_way", Identifier, nullable=True),
        sa.Column("status", Identifier, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("now", Instant, nullable=False),
        sa.Column("invoices", sa.BigInteger(), nullable=False),
        sa.Column("parked", Json, nullable=False),
        sa.Column("error", LongText, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="clock_advances_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("clock_advances_under_way", "clock_advances", ["under_way"], unique=True)
    op.create_index("clock_advances_of_organization", "clock_advances", ["organization", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("clock_advances")
    op.drop_table("test_clocks")
