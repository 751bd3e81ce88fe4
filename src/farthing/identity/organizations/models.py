"""The table of organisations."""

from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, Name, required, table

organizations = table(
    "organizations",
    required("id", Identifier),
    required("name", Name),
    Column("legal_name", Name),
    Column("address", Json),
    required("tax_ids", Json),
    Column("email", Name),
    required("timezone", Name),
    required("currency", Name),
    required("locale", Name),
    required("grace_seconds", Integer),
    required("payment_terms_days", Integer),
    Column("bank", Json),
    required("invoice_rules", Name),
    required("unique_emails", Boolean),
    required("sandbox", Boolean),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="organizations_pk"),
)
