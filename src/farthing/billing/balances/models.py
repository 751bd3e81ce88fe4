"""The tables of balances; amounts in minor units, so that the database itself refuses to spend what is not there."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

# the account "customer credit" of the journal, by customer; its row is locked by whoever adds or takes
customer_balances = table(
    "customer_balances",
    required("organization", Identifier),
    required("customer", Identifier),
    required("currency", Identifier),
    required("amount", BigInteger),
    required("updated_at", Instant),
    PrimaryKeyConstraint("organization", "customer", "currency", name="customer_balances_pk"),
    CheckConstraint("amount >= 0", name="customer_balances_amount"),
)

# append only: triggers refuse everything else
balance_entries = table(
    "balance_entries",
    required("id", Identifier),
    required("organization", Identifier),
    required("customer", Identifier),
    required("currency", Identifier),
    required("kind", Identifier),
    required("source", Name),  # what happened, so that it counts once
    required("amount", BigInteger),  # above zero: added
    required("balance", BigInteger),  # what there was then
    Column("invoice", Identifier),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="balance_entries_pk"),
    Index("balance_entries_source", "organization", "source", unique=True),
    Index("balance_entries_of_customer", "organization", "customer", "currency", "id"),
    Index("balance_entries_of_invoice", "organization", "invoice"),
    CheckConstraint("amount <> 0", name="balance_entries_amount"),
    CheckConstraint("balance >= 0", name="balance_entries_balance"),
)
