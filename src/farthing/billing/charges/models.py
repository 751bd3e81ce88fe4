"""The table of one-off charges; amounts in minor units."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Exact, Identifier, Instant, LongText, Name, required, table

charges = table(
    "charges",
    required("id", Identifier),
    required("organization", Identifier),
    required("customer", Identifier),
    required("description", LongText),
    required("quantity", Exact),
    required("unit_amount", Exact),
    required("amount", BigInteger),
    required("currency", Identifier),
    Column("tax_code", Name),
    Column("invoice", Identifier),  # the draft or invoice on which it stands; null while it waits
    required("version", Integer),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="charges_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="charges_invoice_fk"),
    Index("charges_of_organization", "organization", "id"),
    Index("charges_of_customer", "organization", "customer", "id"),
    Index("charges_of_invoice", "invoice"),
    CheckConstraint("amount >= 0", name="charges_amount"),
)
