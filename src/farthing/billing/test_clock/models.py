"""The table of advances of test clocks."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, required, table

clock_advances = table(
    "clock_advances",
    required("id", Identifier),
    required("organization", Identifier),
    Column("under_way", Identifier),  # the organisation while it is: one at a time; null from its end on
    required("status", Identifier),
    required("since", Instant),
    required("until", Instant),
    required("now", Instant),
    required("invoices", BigInteger),
    required("parked", Json),
    Column("error", LongText),
    required("version", Integer),
    PrimaryKeyConstraint("id", name="clock_advances_pk"),
    Index("clock_advances_under_way", "under_way", unique=True),
    Index("clock_advances_of_organization", "organization", "id"),
)
