"""The table of the audit log."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, Name, required, table

audit_log = table(  # append only: triggers refuse everything else
    "audit_log",
    required("id", Identifier),
    required("organization", Identifier),
    required("at", Instant),
    required("actor_kind", Identifier),
    required("actor", Identifier),
    required("call", Name),
    required("object", Identifier),  # the table
    required("row", Name),  # its key
    Column("before", Json),  # the columns that changed; null for a new row
    Column("after", Json),  # null for one that is gone
    PrimaryKeyConstraint("id", name="audit_log_pk"),
    Index("audit_log_of_organization", "organization", "id"),
    Index("audit_log_of_row", "organization", "row", "id"),
)
