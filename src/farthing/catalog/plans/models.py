"""The tables of plans: what names them, their versions, and which meters each version prices."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.catalog.meters import models  # noqa: F401  # the table that plan_meters points to
from farthing.kernel.columns import Identifier, Instant, LongText, Name, required, table

plans = table(
    "plans",
    required("id", Identifier),
    required("organization", Identifier),
    required("key", Name),
    required("newest", Integer),  # version
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="plans_pk"),
    Index("plans_key", "organization", "key", unique=True),
    Index("plans_of_organization", "organization", "id"),
)

plan_versions = table(
    "plan_versions",
    required("plan", Identifier),
    required("version", Integer),
    required("organization", Identifier),
    required("name", Name),
    required("currency", Identifier),
    required("interval_unit", Identifier),
    required("interval_count", Integer),
    Column("usage_unit", Identifier),  # null: the plan's own interval
    Column("trial_days", Integer),
    Column("minimum_commitment", BigInteger),  # in minor units
    required("prices", LongText),  # JSON, in the form that the interface shows
    required("revision", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("plan", "version", name="plan_versions_pk"),
    ForeignKeyConstraint(["plan"], ["plans.id"], name="plan_versions_plan_fk"),
)

plan_meters = table(
    "plan_meters",
    required("plan", Identifier),
    required("version", Integer),
    required("meter", Identifier),
    required("organization", Identifier),
    PrimaryKeyConstraint("plan", "version", "meter", name="plan_meters_pk"),
    ForeignKeyConstraint(
        ["plan", "version"], ["plan_versions.plan", "plan_versions.version"], name="plan_meters_version_fk"
    ),
    ForeignKeyConstraint(["meter"], ["meters.id"], name="plan_meters_meter_fk"),
    Index("plan_meters_of_meter", "meter"),
)
