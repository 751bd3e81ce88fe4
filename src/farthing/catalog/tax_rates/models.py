"""The table of tax rates."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Exact, Identifier, Instant, LongText, Name, required, table

tax_rates = table(
    "tax_rates",
    required("id", Identifier),
    required("organization", Identifier),
    required("key", Name),
    required("name", Name),
    required("percent", Exact),
    required("inclusive", Boolean),
    Column("country", Identifier),
    Column("region", Name),
    Column("tax_code", Name),
    required("category", Identifier),
    Column("reason", LongText),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="tax_rates_pk"),
    Index("tax_rates_key", "organization", "key", unique=True),
    Index("tax_rates_of_organization", "organization", "id"),
    CheckConstraint("region IS NULL OR country IS NOT NULL", name="tax_rates_region"),
)
