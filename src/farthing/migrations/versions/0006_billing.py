"""0006_billing. Reversible."""

revision = "0006_billing"
down_revision = "0005_usage"


def upgrade() -> None:
    """Filled in by its room."""


def downgrade() -> None:
    """Filled in by its room."""
