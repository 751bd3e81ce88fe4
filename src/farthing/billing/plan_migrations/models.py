"""The table of migrations to new versions of plans."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, required, table

plan_migrations = table(
    "plan_migrations",
    required("id", Identifier),
    required("organization", Identifier),
    required("plan", Identifier),
    required("plan_version", Integer),
    required("at", Identifier),
    required("status", Identifier),
    required("done", Integer),
    required("total", Integer),
    required("migrated", Integer),
    required("refused", Json),
    required("reached", Identifier),  # the subscription that had its turn last; empty before the first
    Column("error", LongText),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="plan_migrations_pk"),
    Index("plan_migrations_of_version", "organization", "plan", "plan_version", unique=True),
    Index("plan_migrations_unfinished", "status", "id"),
)
