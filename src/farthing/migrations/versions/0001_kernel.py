"""Answers of idempotent requests. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, LongText, Name

revision = "0001_kernel"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "idempotent_answers",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("fingerprint", Identifier, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", LongText, nullable=False),
        sa.Column("body", LongText, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("organization", "key", name="idempotent_answers_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("idempotent_answers_age", "idempotent_answers", ["created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("idempotent_answers_age", table_name="idempotent_answers")
    op.drop_table("idempotent_answers")
