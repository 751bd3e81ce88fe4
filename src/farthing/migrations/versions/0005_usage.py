"""0005_usage. Reversible."""

revision = "0005_usage"
down_revision = "0004_catalog"


def upgrade() -> None:
    """Filled in by its room."""


def downgrade() -> None:
    """Filled in by its room."""
