"""Keys of events: the set as an index, and how far each keeper of keys has come. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier

revision = "0028_event_keys"
down_revision = "0026_credited_days"


def upgrade() -> None:
    op.create_table(
        "event_hashes",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("hash", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization", "hash", "seq", name="event_hashes_pk"),
        sqlite_with_rowid=False,
        **PADDED_ENGINE,
    )
    op.create_table(
        "event_key_positions",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("keeper", sa.String(40), nullable=False),
        sa.Column("upto_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("organization", "keeper", name="event_key_positions_pk"),
        sqlite_with_rowid=False,
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("event_key_positions")
    op.drop_table("event_hashes")
