"""The tables of sealed logs: what waits, what is sealed, and where each chain ends."""

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Hash, Identifier, required, table

unsealed = table(  # a row beside each new record, in its transaction: whoever commits late is found late, not never
    "unsealed",
    required("log", Identifier),
    required("organization", Identifier),
    required("record", Identifier),
    PrimaryKeyConstraint("log", "organization", "record", name="unsealed_pk"),
)

seals = table(  # append only
    "seals",
    required("log", Identifier),
    required("organization", Identifier),
    required("number", BigInteger),
    required("record", Identifier),
    required("hash", Hash),
    PrimaryKeyConstraint("log", "organization", "number", name="seals_pk"),
    Index("seals_record", "log", "record", unique=True),
)

chains = table(  # held by followers alone, so that nobody who writes a record waits
    "chains",
    required("log", Identifier),
    required("organization", Identifier),
    required("number", BigInteger),
    required("hash", Hash),
    PrimaryKeyConstraint("log", "organization", name="chains_pk"),
)
