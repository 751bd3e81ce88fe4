"""Tax rates and coupons, and what they make of an invoice. Reversible; holds up invoices and invoice_lines."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Exact, Identifier, Instant, Json, LongText, Name

revision = "0012_taxes_coupons"
down_revision = "0011_journal"


def upgrade() -> None:
    _catalogue()
    _given()
    op.create_table(
        "invoice_tax_rates",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("rate", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_tax_rates_invoice_fk"),
        sa.PrimaryKeyConstraint("invoice", "rate", name="invoice_tax_rates_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("invoice_tax_rates_of_rate", "invoice_tax_rates", ["organization", "rate"], unique=False)
    op.add_column("invoices", sa.Column("taxes", Json, nullable=True))
    op.add_column("invoice_lines", sa.Column("tax_code", Name, nullable=True))
    op.add_column("invoice_lines", sa.Column("entered", sa.BigInteger(), nullable=True))
    # lines from before had neither
    op.add_column("invoice_lines", sa.Column("discount", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("invoice_lines", sa.Column("tax", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("invoice_lines", sa.Column("tax_rates", Json, nullable=True))
    op.add_column("invoice_lines", sa.Column("discounts", Json, nullable=True))


def _catalogue() -> None:
    op.create_table(
        "tax_rates",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("percent", Exact, nullable=False),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column("country", Identifier, nullable=True),
        sa.Column("region", Name, nullable=True),
        sa.Column("tax_code", Name, nullable=True),
        sa.Column("category", Identifier, nullable=False),
        sa.Column("reason", LongText, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("region IS NULL OR country IS NOT NULL", name="tax_rates_region"),
        sa.PrimaryKeyConstraint("id", name="tax_rates_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("tax_rates_key", "tax_rates", ["organization", "key"], unique=True)
    op.create_index("tax_rates_of_organization", "tax_rates", ["organization", "id"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("percent", Exact, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", Identifier, nullable=True),
        sa.Column("duration", Json, nullable=False),
        sa.Column("applies_to", Json, nullable=False),
        sa.Column("redeem_by", Instant, nullable=True),
        sa.Column("max_redemptions", sa.Integer(), nullable=True),
        sa.Column("redemptions", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="coupons_one_of"),
        sa.CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="coupons_currency"),
        sa.CheckConstraint("amount IS NULL OR amount > 0", name="coupons_amount"),
        sa.CheckConstraint("max_redemptions IS NULL OR redemptions <= max_redemptions", name="coupons_redemptions"),
        sa.PrimaryKeyConstraint("id", name="coupons_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("coupons_key", "coupons", ["organization", "key"], unique=True)
    op.create_index("coupons_of_organization", "coupons", ["organization", "id"], unique=False)


def _given() -> None:
    op.create_table(
        "attached_coupons",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("coupon", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("subscription", Identifier, nullable=True),
        sa.Column("owner", Identifier, nullable=False),
        sa.Column("attached_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="attached_coupons_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("attached_coupons_once", "attached_coupons", ["organization", "owner", "coupon"], unique=True)
    op.create_table(
        "coupon_uses",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("attached", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="coupon_uses_invoice_fk"),
        sa.PrimaryKeyConstraint("attached", "invoice", name="coupon_uses_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("coupon_uses_of_invoice", "coupon_uses", ["invoice"], unique=False)


def downgrade() -> None:
    for column in ("discounts", "tax_rates", "tax", "discount", "entered", "tax_code"):
        op.drop_column("invoice_lines", column)
    op.drop_column("invoices", "taxes")
    for table in ("invoice_tax_rates", "coupon_uses", "attached_coupons", "coupons", "tax_rates"):
        op.drop_table(table)
