"""Usage. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Digest, Exact, Identifier, Instant, Json, LongText, Name

revision = "0005_usage"
down_revision = "0004_catalog"


def upgrade() -> None:
    op.create_table(
        "event_keys",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("hash", Digest, nullable=False),
        sa.Column("content", Digest, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "hash", name="event_keys_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_streams",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_ref", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", name="event_streams_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "event_subjects",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("ref", sa.BigInteger(), nullable=False),
        sa.Column("subject", Name, nullable=False),
        sa.Column("customer", Identifier, nullable=True),
        sa.Column("subscription", Identifier, nullable=True),
        sa.Column("bound_seq", sa.BigInteger(), nullable=True),
        sa.Column("current", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "ref", name="event_subjects_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("event_subjects_current", "event_subjects", ["organization", "subject", "current"], unique=True)
    op.create_index("event_subjects_of_customer", "event_subjects", ["organization", "customer"], unique=False)
    op.create_table(
        "events",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("data", LongText, nullable=True),
        sa.Column("extensions", LongText, nullable=True),
        sa.Column("voids", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "seq", name="events_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meter_positions",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "meter", name="meter_positions_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "rejected_events",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("event", LongText, nullable=False),
        sa.Column("errors", Json, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="rejected_events_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("rejected_events_by_age", "rejected_events", ["organization", "received_at", "id"], unique=False)
    op.create_table(
        "unusable_events",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("reason", LongText, nullable=False),
        sa.PrimaryKeyConstraint("organization", "seq", "meter", name="unusable_events_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("unusable_events_of_meter", "unusable_events", ["organization", "meter", "seq"], unique=False)
    op.create_table(
        "usage_points",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("value", LongText, nullable=True),
        sa.Column("properties", LongText, nullable=False),
        sa.Column("voided_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "meter", "subject_ref", "time", "seq", name="usage_points_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_rollups",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("subject_ref", sa.BigInteger(), nullable=False),
        sa.Column("slot", Instant, nullable=False),
        sa.Column("group_hash", Digest, nullable=False),
        sa.Column("group_values", LongText, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("total", Exact, nullable=False),
        sa.Column("least", Exact, nullable=True),
        sa.Column("greatest", Exact, nullable=True),
        sa.Column("latest_time", Instant, nullable=True),
        sa.Column("latest_id", Name, nullable=True),
        sa.Column("latest_source", Name, nullable=True),
        sa.Column("latest_value", Exact, nullable=True),
        sa.PrimaryKeyConstraint("organization", "meter", "subject_ref", "slot", "group_hash", name="usage_rollups_pk"),
        **PADDED_ENGINE,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("usage_rollups")
    op.drop_table("usage_points")
    op.drop_index("unusable_events_of_meter", table_name="unusable_events")
    op.drop_table("unusable_events")
    op.drop_index("rejected_events_by_age", table_name="rejected_events")
    op.drop_table("rejected_events")
    op.drop_table("meter_positions")
    op.drop_table("events")
    op.drop_index("event_subjects_of_customer", table_name="event_subjects")
    op.drop_index("event_subjects_current", table_name="event_subjects")
    op.drop_table("event_subjects")
    op.drop_table("event_streams")
    op.drop_table("event_keys")
