"""Chains of hashes over logs, and logs that only grow. Reversible; holds up writers to the journal for a moment.

Entries that are there already are sealed by the next follower, as if they had just been written.
"""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.append_only import protect, unprotect
from farthing.kernel.columns import PADDED_ENGINE, Hash, Identifier

revision = "0013_sealed_logs"
down_revision = "0012_taxes_coupons"

APPENDED = ("journal_entries", "journal_postings", "seals")


def upgrade() -> None:
    op.create_table(
        "unsealed",
        sa.Column("log", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("record", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("log", "organization", "record", name="unsealed_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "seals",
        sa.Column("log", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("record", Identifier, nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.PrimaryKeyConstraint("log", "organization", "number", name="seals_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("seals_record", "seals", ["log", "record"], unique=True)
    op.create_table(
        "chains",
        sa.Column("log", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", Hash, nullable=False),
        sa.PrimaryKeyConstraint("log", "organization", name="chains_pk"),
        **PADDED_ENGINE,
    )
    known = "SELECT 'journal', organization, id FROM journal_entries"
    op.execute(f"INSERT INTO unsealed (log, organization, record) {known}")
    for table in APPENDED:
        protect(op.get_bind(), table)


def downgrade() -> None:
    for table in reversed(APPENDED):
        unprotect(op.get_bind(), table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION farthing_append_only()")
    for table in ("chains", "seals", "unsealed"):
        op.drop_table(table)
