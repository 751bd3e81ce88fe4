"""One-off charges, and the lines that they are on invoices. Reversible; holds up invoice_lines for a moment."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Exact, Identifier, Instant, LongText, Name

revision = "0020_charges"
down_revision = "0019_money_on_account"


def upgrade() -> None:
    op.create_table(
        "charges",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("description", LongText, nullable=False),
        sa.Column("quantity", Exact, nullable=False),
        sa.Column("unit_amount", Exact, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("tax_code", Name, nullable=True),
        sa.Column("invoice", Identifier, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("amount >= 0", name="charges_amount"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="charges_invoice_fk"),
        sa.PrimaryKeyConstraint("id", name="charges_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("charges_of_organization", "charges", ["organization", "id"], unique=False)
    op.create_index("charges_of_customer", "charges", ["organization", "customer", "id"], unique=False)
    op.create_index("charges_of_invoice", "charges", ["invoice"], unique=False)
    op.add_column("invoice_lines", sa.Column("charge", Identifier, nullable=True))


def downgrade() -> None:
    op.drop_column("invoice_lines", "charge")
    op.drop_table("charges")
