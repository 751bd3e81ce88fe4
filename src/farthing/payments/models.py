"""The table of payments."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

payments = table(
    "payments",
    required("id", Identifier),
    required("organization", Identifier),
    required("invoice", Identifier),
    required("customer", Identifier),
    required("amount", BigInteger),  # minor units
    required("currency", Identifier),
    required("method", Name),
    Column("reference", Name),
    required("received_at", Instant),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="payments_pk"),
    Index("payments_reference", "organization", "method", "reference", unique=True),
    Index("payments_of_organization", "organization", "id"),
    Index("payments_of_invoice", "organization", "invoice", "id"),
    Index("payments_of_customer", "organization", "customer", "id"),
    CheckConstraint("amount > 0", name="payments_amount"),
)
