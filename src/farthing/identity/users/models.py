"""The table of users."""

from sqlalchemy import Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

users = table(
    "users",
    required("id", Identifier),
    required("organization", Identifier),
    required("username", Name),
    required("folded_username", Name),
    required("hash", Name),
    required("scopes", Name),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="users_pk"),
    Index("users_username", "folded_username", unique=True),
    Index("users_of_organization", "organization", "id"),
)
