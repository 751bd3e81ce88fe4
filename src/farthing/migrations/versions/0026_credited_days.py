"""Days of fees that credit notes gave back, because no invoice could. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant

revision = "0026_credited_days"
down_revision = "0025_plan_migrations"


def upgrade() -> None:
    op.create_table(
        "credited_days",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("line", Identifier, nullable=False),
        sa.Column("credit_note", Identifier, nullable=True),
        sa.Column("period_from", Instant, nullable=False),
        sa.Column("period_to", Instant, nullable=False),
        sa.PrimaryKeyConstraint("line", "period_from", name="credited_days_pk"),
        sa.ForeignKeyConstraint(["line"], ["invoice_lines.id"], name="credited_days_line_fk"),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("credited_days")
