"""The table of customers; the folded columns are what searches and uniqueness look at."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, Name, required, table

customers = table(
    "customers",
    required("id", Identifier),
    required("organization", Identifier),
    Column("key", Name),
    required("name", Name),
    Column("email", Name),
    required("currency", Identifier),
    required("timezone", Name),
    Column("address", Json),
    required("tax_ids", Json),
    required("tax_treatment", Name),
    Column("tax_reason", Name),
    required("payment_terms_days", Integer),
    Column("buyer_reference", Name),
    required("metadata", Json),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    Column("folded_key", Name),
    required("folded_name", Name),
    Column("folded_email", Name),
    Column("email_claim", Name),  # the folded e-mail where the organisation wants each only once
    Column("changing", Identifier),  # the token of a change that billing is asked about
    Column("changing_since", Instant),
    PrimaryKeyConstraint("id", name="customers_pk"),
    Index("customers_key", "organization", "key", unique=True),
    Index("customers_email", "organization", "email_claim", unique=True),
    Index("customers_of_organization", "organization", "id"),
    Index("customers_by_name", "organization", "folded_name"),
    Index("customers_by_email", "organization", "folded_email"),
)
