"""Which cache may be believed, and what a kept answer had changed. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, LongText, Name

revision = "0008_answer_cache"
down_revision = "0007_customers_apart"


def upgrade() -> None:
    beliefs = op.create_table(
        "cache_beliefs",
        sa.Column("name", Identifier, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("server", Name, nullable=True),
        sa.PrimaryKeyConstraint("name", name="cache_beliefs_pk"),
        **PADDED_ENGINE,
    )
    op.bulk_insert(beliefs, [{"name": "answers", "epoch": 0, "server": None}])
    op.add_column("idempotent_answers", sa.Column("changed", LongText, nullable=True))


def downgrade() -> None:
    op.drop_column("idempotent_answers", "changed")
    op.drop_table("cache_beliefs")
