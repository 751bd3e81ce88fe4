"""The tables of wallets; amounts in minor units, so that the database itself refuses to spend what is not there."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

wallets = table(
    "wallets",
    required("id", Identifier),
    required("organization", Identifier),
    required("customer", Identifier),
    required("currency", Identifier),
    required("name", Name),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="wallets_pk"),
    Index("wallets_of_organization", "organization", "id"),
    Index("wallets_of_customer", "organization", "customer", "id"),
)

top_ups = table(
    "top_ups",
    required("id", Identifier),
    required("organization", Identifier),
    required("wallet", Identifier),
    required("customer", Identifier),
    required("currency", Identifier),
    required("kind", Identifier),
    required("amount", BigInteger),
    required("remaining", BigInteger),
    required("expired", BigInteger),  # what of it nobody had used when it expired
    required("priority", Integer),
    Column("expires_at", Instant),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="top_ups_pk"),
    ForeignKeyConstraint(["wallet"], ["wallets.id"], name="top_ups_wallet_fk"),
    Index("top_ups_of_wallet", "wallet", "id"),
    Index("top_ups_of_customer", "organization", "customer", "id"),
    Index("top_ups_expiring", "organization", "expires_at"),
    CheckConstraint("amount > 0 AND remaining >= 0 AND expired >= 0", name="top_ups_sign"),
    CheckConstraint("remaining + expired <= amount", name="top_ups_amount"),
    CheckConstraint("kind IN ('paid', 'granted')", name="top_ups_kind"),
)

# what finalised invoices took, voided ones too: those have given it back
credit_uses = table(
    "credit_uses",
    required("organization", Identifier),
    required("invoice", Identifier),
    required("top_up", Identifier),
    required("amount", BigInteger),
    PrimaryKeyConstraint("invoice", "top_up", name="credit_uses_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="credit_uses_invoice_fk"),
    ForeignKeyConstraint(["top_up"], ["top_ups.id"], name="credit_uses_top_up_fk"),
    Index("credit_uses_of_top_up", "top_up"),
    CheckConstraint("amount > 0", name="credit_uses_amount"),
)
