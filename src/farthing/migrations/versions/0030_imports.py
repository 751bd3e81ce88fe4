"""Files that were imported, how far, and what was wrong with their rows. Reversible; holds up nothing."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Hash, Identifier, Instant, LongText, Name

revision = "0030_imports"
down_revision = "0029_closed_without_invoice"
COUNTS = ("position", "accepted", "duplicates", "conflicts", "rejected", "skipped", "reported")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("content", Hash, nullable=False),
        sa.Column("name", LongText, nullable=False),
        sa.Column("url", LongText, nullable=True),
        sa.Column("format", Identifier, nullable=False),
        sa.Column("source", Name, nullable=True),
        sa.Column("status", Identifier, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("error", LongText, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("finished_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="imports_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("imports_content", "imports", ["organization", "content"], unique=True)
    op.create_index("imports_of_organization", "imports", ["organization", "id"], unique=False)
    op.create_index("imports_unfinished", "imports", ["status", "id"], unique=False)
    op.create_table(
        "import_errors",
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("message", LongText, nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", name="import_errors_pk"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="import_errors_import_fk"),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("import_errors")
    op.drop_table("imports")
