"""The audit log. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.append_only import protect, unprotect
from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, Name

revision = "0014_audit_log"
down_revision = "0013_sealed_logs"


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor_kind", Identifier, nullable=False),
        sa.Column("actor", Identifier, nullable=False),
        sa.Column("call", Name, nullable=False),
        sa.Column("object", Identifier, nullable=False),
        sa.Column("row", Name, nullable=False),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.PrimaryKeyConstraint("id", name="audit_log_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("audit_log_of_organization", "audit_log", ["organization", "id"], unique=False)
    op.create_index("audit_log_of_row", "audit_log", ["organization", "row", "id"], unique=False)
    protect(op.get_bind(), "audit_log")


def downgrade() -> None:
    unprotect(op.get_bind(), "audit_log")
    op.drop_table("audit_log")
