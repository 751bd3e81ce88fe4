"""The table of bank transactions; amounts in minor units."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Hash, Identifier, Instant, LongText, Name, required, table

bank_transactions = table(
    "bank_transactions",
    required("id", Identifier),
    required("organization", Identifier),
    Column("bank_id", Name),
    required("mark", Hash),  # so that a statement that comes twice adds nothing
    required("booked_at", Instant),
    required("amount", BigInteger),
    required("currency", Identifier),
    required("reference", LongText),
    Column("name", Name),
    Column("sender", Name),  # the name as names are compared
    Column("iban", Name),
    Column("customer", Identifier),
    required("status", Identifier),
    Column("paid_by", Identifier),
    Column("reconciliation", Identifier),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="bank_transactions_pk"),
    Index("bank_transactions_mark", "organization", "mark", unique=True),
    Index("bank_transactions_of_organization", "organization", "id"),
    Index("bank_transactions_by_status", "organization", "status", "id"),
    Index("bank_transactions_of_reconciliation", "organization", "reconciliation"),
    Index("bank_transactions_from_iban", "organization", "iban"),
    Index("bank_transactions_from_sender", "organization", "sender"),
    CheckConstraint("amount > 0", name="bank_transactions_amount"),
    CheckConstraint("status IN ('unmatched', 'proposed', 'matched')", name="bank_transactions_status"),
    CheckConstraint("(status = 'matched') = (reconciliation IS NOT NULL)", name="bank_transactions_matched"),
)
