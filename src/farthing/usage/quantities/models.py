"""Tables that follow the events: how far, and what each meter made of them."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table

from farthing.kernel.columns import Digest, Identifier, Instant, LongText, Name, required, table

meter_positions = table(
    "meter_positions",
    required("organization", Identifier),
    required("meter", Identifier),
    required("seq", BigInteger),  # of the last event that was read into this meter
    PrimaryKeyConstraint("organization", "meter", name="meter_positions_pk"),
)

usage_points = table(  # an event as its meter sees it
    "usage_points",
    required("organization", Identifier),
    required("meter", Identifier),
    required("subject_ref", BigInteger),
    required("time", Instant),
    required("seq", BigInteger),
    required("source", Name),
    required("id", Name),
    Column("value", LongText),  # canonical text; null does not count
    required("properties", LongText),  # JSON: the scalar properties of data as canonical text
    Column("voided_seq", BigInteger),
    PrimaryKeyConstraint("organization", "meter", "subject_ref", "time", "seq", name="usage_points_pk"),
)


def _rollups(name: str) -> Table:
    """Points put together; numbers in units of 10**-9."""
    return table(
        name,
        required("organization", Identifier),
        required("meter", Identifier),
        required("subject_ref", BigInteger),
        required("slot", Instant),  # its start
        required("group_hash", Digest),
        required("group_values", LongText),  # JSON: of the meter's group_by, in its order
        required("events", BigInteger),
        required("counted", BigInteger),
        Column("total", BigInteger),
        Column("least", BigInteger),
        Column("greatest", BigInteger),
        Column("latest_value", BigInteger),
        Column("beyond", LongText),  # JSON: these four as texts, and all null, where one does not fit
        Column("latest_time", Instant),
        Column("latest_id", Name),
        Column("latest_source", Name),
        required("seq", BigInteger),  # up to where events had been read when it was written
        PrimaryKeyConstraint("organization", "meter", "subject_ref", "slot", "group_hash", name=f"{name}_pk"),
    )


usage_quarter_hours = _rollups("usage_quarter_hours")
usage_days = _rollups("usage_days")

unusable_events = table(  # what has a value that its meter cannot count, found when it was too late to refuse it
    "unusable_events",
    required("organization", Identifier),
    required("seq", BigInteger),
    required("meter", Identifier),
    required("reason", LongText),
    PrimaryKeyConstraint("organization", "seq", "meter", name="unusable_events_pk"),
    Index("unusable_events_of_meter", "organization", "meter", "seq"),
)

late_arrivals = table(  # what a step of a follower read that came, or was voided, after its quarter hour was over
    "late_arrivals",
    required("organization", Identifier),
    required("subject_ref", BigInteger),
    required("meter", Identifier),  # empty: any, where a name became somebody's after events had come under it
    required("seq", BigInteger),  # of the last of them
    Column("earliest", Instant),  # the time of the first, in order of time; null: any
    Column("latest", Instant),
    PrimaryKeyConstraint("organization", "subject_ref", "meter", "seq", name="late_arrivals_pk"),
    Index("late_arrivals_by_seq", "organization", "seq"),
)

for clustered in (usage_points, usage_quarter_hours, usage_days):  # SQLite: one B-tree each instead of two
    clustered.dialect_options["sqlite"]["with_rowid"] = False
