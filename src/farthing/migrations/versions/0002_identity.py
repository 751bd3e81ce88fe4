"""Organisations, users, API keys, sessions. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, Name

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
        **PADDED_ENGINE,
    )
    op.create_index("api_keys_hash", "api_keys", ["hash"], unique=True)
    op.create_index("api_keys_of_organization", "api_keys", ["organization", "id"], unique=False)
    op.create_table(
        "login_failures",
        sa.Column("subject", Identifier, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", Instant, nullable=False),
        sa.Column("forgotten_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="login_failures_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("login_failures_age", "login_failures", ["forgotten_at"], unique=False)
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
        **PADDED_ENGINE,
    )
    op.create_table(
        "sessions",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("user_id", Identifier, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="sessions_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("sessions_of_user", "sessions", ["organization", "user_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("username", Name, nullable=False),
        sa.Column("folded_username", Name, nullable=False),
        sa.Column("hash", Name, nullable=False),
        sa.Column("scopes", Name, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="users_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("users_of_organization", "users", ["organization", "id"], unique=False)
    op.create_index("users_username", "users", ["folded_username"], unique=True)
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", Name, nullable=False),
        sa.Column("session_id", Identifier, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="refresh_tokens_session_fk"),
        sa.PrimaryKeyConstraint("hash", name="refresh_tokens_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("refresh_tokens_of_session", "refresh_tokens", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index("refresh_tokens_of_session", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("users_username", table_name="users")
    op.drop_index("users_of_organization", table_name="users")
    op.drop_table("users")
    op.drop_index("sessions_of_user", table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("organizations")
    op.drop_index("login_failures_age", table_name="login_failures")
    op.drop_table("login_failures")
    op.drop_index("api_keys_of_organization", table_name="api_keys")
    op.drop_index("api_keys_hash", table_name="api_keys")
    op.drop_table("api_keys")
