"""Organisations and API keys. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import ENGINE, Identifier, Instant, Json, Name

revision = "0002_identity"
down_revision = "0001_kernel"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("name", Name, nullable=True),
        sa.Column("hash", Name, nullable=False),
        sa.Column("hint", Name, nullable=False),
        sa.Column("scopes", Name, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="api_keys_pk"),
        **ENGINE,
    )
    op.create_index("api_keys_hash", "api_keys", ["hash"], unique=True)
    op.create_index("api_keys_of_organization", "api_keys", ["organization", "id"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("legal_name", Name, nullable=True),
        sa.Column("address", Json, nullable=True),
        sa.Column("tax_ids", Json, nullable=False),
        sa.Column("email", Name, nullable=True),
        sa.Column("timezone", Name, nullable=False),
        sa.Column("currency", Name, nullable=False),
        sa.Column("locale", Name, nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("bank", Json, nullable=True),
        sa.Column("invoice_rules", Name, nullable=False),
        sa.Column("unique_emails", sa.Boolean(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="organizations_pk"),
        **ENGINE,
    )


def downgrade() -> None:
    op.drop_table("organizations")
    op.drop_index("api_keys_of_organization", table_name="api_keys")
    op.drop_index("api_keys_hash", table_name="api_keys")
    op.drop_table("api_keys")
