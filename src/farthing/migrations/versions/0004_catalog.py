"""0004_catalog. Reversible."""

revision = "0004_catalog"
down_revision = "0003_customers"


def upgrade() -> None:
    """Filled in by its room."""


def downgrade() -> None:
    """Filled in by its room."""
