"""Meters, plans and their versions. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, LongText, Name

revision = "0004_catalog"
down_revision = "0003_customers"


def upgrade() -> None:
    op.create_table(
        "meters",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("event_type", Name, nullable=False),
        sa.Column("aggregation", Identifier, nullable=False),
        sa.Column("value", Name, nullable=True),
        sa.Column("group_by", Json, nullable=False),
        sa.Column("filter", Json, nullable=False),
        sa.Column("late_usage", Identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="meters_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("meters_key", "meters", ["organization", "key"], unique=True)
    op.create_index("meters_of_organization", "meters", ["organization", "id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="plans_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("plans_key", "plans", ["organization", "key"], unique=True)
    op.create_index("plans_of_organization", "plans", ["organization", "id"], unique=False)
    op.create_table(
        "plan_versions",
        sa.Column("plan", Identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("interval_unit", Identifier, nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("prices", LongText, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plans.id"], name="plan_versions_plan_fk"),
        sa.PrimaryKeyConstraint("plan", "version", name="plan_versions_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "plan_meters",
        sa.Column("plan", Identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("meter", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["meter"], ["meters.id"], name="plan_meters_meter_fk"),
        sa.ForeignKeyConstraint(
            ["plan", "version"], ["plan_versions.plan", "plan_versions.version"], name="plan_meters_version_fk"
        ),
        sa.PrimaryKeyConstraint("plan", "version", "meter", name="plan_meters_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("plan_meters_of_meter", "plan_meters", ["meter"], unique=False)


def downgrade() -> None:
    op.drop_index("plan_meters_of_meter", table_name="plan_meters")
    op.drop_table("plan_meters")
    op.drop_table("plan_versions")
    op.drop_index("plans_of_organization", table_name="plans")
    op.drop_index("plans_key", table_name="plans")
    op.drop_table("plans")
    op.drop_index("meters_of_organization", table_name="meters")
    op.drop_index("meters_key", table_name="meters")
    op.drop_table("meters")
