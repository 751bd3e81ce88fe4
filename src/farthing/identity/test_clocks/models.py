"""The table of test clocks: a row for each sandbox, and for nobody else."""

from sqlalchemy import PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, required, table

test_clocks = table(
    "test_clocks",
    required("organization", Identifier),
    required("time", Instant),
    PrimaryKeyConstraint("organization", name="test_clocks_pk"),
)
