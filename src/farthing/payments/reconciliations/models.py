"""The tables of reconciliations."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, required, table

reconciliations = table(
    "reconciliations",
    required("id", Identifier),
    required("organization", Identifier),
    required("kind", Identifier),
    required("proposals", Integer),  # how many transfers it looked at
    required("applied", Integer),  # how many of them it matched
    required("more", Boolean),  # whether there were more than it looked at
    required("created_at", Instant),
    Column("undone_at", Instant),
    PrimaryKeyConstraint("id", name="reconciliations_pk"),
    Index("reconciliations_of_organization", "organization", "id"),
    CheckConstraint("kind IN ('proposed', 'auto', 'chosen')", name="reconciliations_kind"),
)

reconciliation_proposals = table(
    "reconciliation_proposals",
    required("organization", Identifier),
    required("reconciliation", Identifier),
    required("position", Integer),
    required("bank_transaction", Identifier),
    required("kind", Identifier),
    required("ambiguous", Boolean),
    required("reason", LongText),
    required("candidates", Json),
    required("applied", Boolean),
    PrimaryKeyConstraint("reconciliation", "position", name="reconciliation_proposals_pk"),
    ForeignKeyConstraint(
        ["reconciliation"], ["reconciliations.id"], name="reconciliation_proposals_reconciliation_fk"
    ),
)
