"""The table of meters."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, Name, required, table

meters = table(
    "meters",
    required("id", Identifier),
    required("organization", Identifier),
    required("key", Name),
    required("name", Name),
    required("event_type", Name),
    required("aggregation", Identifier),
    Column("value", Name),
    required("group_by", Json),
    required("filter", Json),
    required("late_usage", Identifier),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="meters_pk"),
    Index("meters_key", "organization", "key", unique=True),
    Index("meters_of_organization", "organization", "id"),
)
