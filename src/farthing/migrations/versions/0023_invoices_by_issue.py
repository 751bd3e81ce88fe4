"""Invoices are read in the order in which they were issued. Reversible; holds up writers to invoices."""

from alembic import op

revision = "0023_invoices_by_issue"
down_revision = "0022_test_clocks"


def upgrade() -> None:
    op.create_index("invoices_by_issue", "invoices", ["organization", "issued_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("invoices_by_issue", "invoices")
