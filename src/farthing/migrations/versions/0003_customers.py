"""Customers. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, Name

revision = "0003_customers"
down_revision = "0002_identity"


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=True),
        sa.Column("name", Name, nullable=False),
        sa.Column("email", Name, nullable=True),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("timezone", Name, nullable=False),
        sa.Column("address", Json, nullable=True),
        sa.Column("tax_ids", Json, nullable=False),
        sa.Column("tax_treatment", Name, nullable=False),
        sa.Column("tax_reason", Name, nullable=True),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("buyer_reference", Name, nullable=True),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("folded_key", Name, nullable=True),
        sa.Column("folded_name", Name, nullable=False),
        sa.Column("folded_email", Name, nullable=True),
        sa.Column("email_claim", Name, nullable=True),
        sa.PrimaryKeyConstraint("id", name="customers_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("customers_by_email", "customers", ["organization", "folded_email"], unique=False)
    op.create_index("customers_by_name", "customers", ["organization", "folded_name"], unique=False)
    op.create_index("customers_email", "customers", ["organization", "email_claim"], unique=True)
    op.create_index("customers_key", "customers", ["organization", "key"], unique=True)
    op.create_index("customers_of_organization", "customers", ["organization", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("customers_of_organization", table_name="customers")
    op.drop_index("customers_key", table_name="customers")
    op.drop_index("customers_email", table_name="customers")
    op.drop_index("customers_by_name", table_name="customers")
    op.drop_index("customers_by_email", table_name="customers")
    op.drop_table("customers")
