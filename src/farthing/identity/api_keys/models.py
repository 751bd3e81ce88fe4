"""The table of API keys."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

api_keys = table(
    "api_keys",
    required("id", Identifier),
    required("organization", Identifier),
    Column("name", Name),
    required("hash", Name),
    required("hint", Name),
    required("scopes", Name),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="api_keys_pk"),
    Index("api_keys_hash", "hash", unique=True),
    Index("api_keys_of_organization", "organization", "id"),
)
