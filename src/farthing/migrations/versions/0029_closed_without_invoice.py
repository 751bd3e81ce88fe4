"""At which event boundaries without a line were closed: what comes later is late for them too. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant

revision = "0029_closed_without_invoice"
down_revision = "0028_events"


def upgrade() -> None:
    op.create_table(
        "closed_without_invoice",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("subscription", Identifier, nullable=False),
        sa.Column("boundary", Instant, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "subscription", "boundary", name="closed_without_invoice_pk"),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("closed_without_invoice")
