"""The table of bill runs."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, required, table

bill_runs = table(
    "bill_runs",
    required("id", Identifier),
    required("organization", Identifier),
    required("as_of", Instant),
    Column("customers", Json),
    required("dry_run", Boolean),
    required("status", Identifier),
    required("done", Integer),
    required("total", Integer),
    required("invoices", Integer),
    required("parked", Json),
    Column("error", LongText),
    Column("position", BigInteger),  # the events that it knew, where it looked at all that came late; null otherwise
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="bill_runs_pk"),
    Index("bill_runs_of_organization", "organization", "id"),
    Index("bill_runs_unfinished", "status", "id"),
)
