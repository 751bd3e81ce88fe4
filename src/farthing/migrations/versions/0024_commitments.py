"""What all lines of a plan period come to at least. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0024_commitments"
down_revision = "0023_late_usage"


def upgrade() -> None:
    op.add_column("plan_versions", sa.Column("minimum_commitment", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("plan_versions", "minimum_commitment")
