"""Wallets, their top-ups, and what invoices took of them. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Name

revision = "0021_wallets"
down_revision = "0020_charges"


def upgrade() -> None:
    op.create_table(
        "wallets",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="wallets_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("wallets_of_organization", "wallets", ["organization", "id"], unique=False)
    op.create_index("wallets_of_customer", "wallets", ["organization", "customer", "id"], unique=False)
    _top_ups()
    op.create_table(
        "credit_uses",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("top_up", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="credit_uses_amount"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="credit_uses_invoice_fk"),
        sa.ForeignKeyConstraint(["top_up"], ["top_ups.id"], name="credit_uses_top_up_fk"),
        sa.PrimaryKeyConstraint("invoice", "top_up", name="credit_uses_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("credit_uses_of_top_up", "credit_uses", ["top_up"], unique=False)


def _top_ups() -> None:
    op.create_table(
        "top_ups",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("wallet", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("amount > 0 AND remaining >= 0 AND expired >= 0", name="top_ups_sign"),
        sa.CheckConstraint("remaining + expired <= amount", name="top_ups_amount"),
        sa.CheckConstraint("kind IN ('paid', 'granted')", name="top_ups_kind"),
        sa.ForeignKeyConstraint(["wallet"], ["wallets.id"], name="top_ups_wallet_fk"),
        sa.PrimaryKeyConstraint("id", name="top_ups_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("top_ups_of_wallet", "top_ups", ["wallet", "id"], unique=False)
    op.create_index("top_ups_of_customer", "top_ups", ["organization", "customer", "id"], unique=False)
    op.create_index("top_ups_expiring", "top_ups", ["organization", "expires_at"], unique=False)


def downgrade() -> None:
    for table in ("credit_uses", "top_ups", "wallets"):
        op.drop_table(table)
