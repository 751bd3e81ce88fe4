"""The table of names under which usage arrives.

An event points to the row that was current for its name when it arrived. Whom the row belongs to is said in the
row alone, so that a name becomes somebody's by one update, however many events wait under it.
"""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, SmallInteger

from farthing.kernel.columns import Identifier, Name, required, table

event_subjects = table(
    "event_subjects",
    required("organization", Identifier),
    required("ref", BigInteger),
    required("subject", Name),
    Column("customer", Identifier),  # null: nobody's
    Column("subscription", Identifier),
    Column("bound_seq", BigInteger),  # the position at which it became somebody's
    Column("current", SmallInteger),  # 1 on the row that new events under this name point to, else null
    PrimaryKeyConstraint("organization", "ref", name="event_subjects_pk"),
    Index("event_subjects_current", "organization", "subject", "current", unique=True),
    Index("event_subjects_of_customer", "organization", "customer"),
)
