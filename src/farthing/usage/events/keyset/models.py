"""Tables of keys: the set as an index, and how far each keeper of keys has come."""

from sqlalchemy import BigInteger, PrimaryKeyConstraint, String

from farthing.kernel.columns import Identifier, required, table

event_hashes = table(
    "event_hashes",
    required("organization", Identifier),
    required("hash", BigInteger),  # of source and id; different events may share one
    required("seq", BigInteger),
    PrimaryKeyConstraint("organization", "hash", "seq", name="event_hashes_pk"),
)

event_key_positions = table(  # a file of keys without its row here is of another history: the database was restored
    "event_key_positions",
    required("organization", Identifier),
    required("keeper", String(40)),  # "index", or what a file of keys is marked with
    required("upto_seq", BigInteger),
    PrimaryKeyConstraint("organization", "keeper", name="event_key_positions_pk"),
)

for kept in (event_hashes, event_key_positions):  # SQLite: one B-tree each instead of two
    kept.dialect_options["sqlite"]["with_rowid"] = False
