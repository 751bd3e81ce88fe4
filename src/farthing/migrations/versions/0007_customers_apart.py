"""Customers in a store of their own, or billed and metered elsewhere. Reversible; adds two columns and a table."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json

revision = "0007_customers_apart"
down_revision = "0006_billing"


def upgrade() -> None:
    op.add_column("customers", sa.Column("changing", Identifier, nullable=True))
    op.add_column("customers", sa.Column("changing_since", Instant, nullable=True))
    op.create_table(
        "owed_names",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("token", Identifier, nullable=False),
        sa.Column("act", Identifier, nullable=False),
        sa.Column("names", Json, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("subscription", Identifier, nullable=True),
        sa.Column("held_by", Identifier, nullable=True),
        sa.PrimaryKeyConstraint("organization", "number", "token", name="owed_names_pk"),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("owed_names")
    op.drop_column("customers", "changing_since")
    op.drop_column("customers", "changing")
