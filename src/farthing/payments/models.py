"""The tables of payments; amounts in minor units, so that the database itself checks the sums."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, LongText, Name, required, table

payments = table(
    "payments",
    required("id", Identifier),
    required("organization", Identifier),
    Column("invoice", Identifier),  # null for money that belongs to none
    required("customer", Identifier),
    required("amount", BigInteger),
    required("on_invoice", BigInteger),  # what of it is set against the invoice
    required("on_balance", BigInteger),  # what went to the customer's balance
    required("refunded", BigInteger),  # what was given back of both
    required("currency", Identifier),
    required("method", Name),
    Column("reference", Name),
    Column("receipt", Name),  # what it is unique by: the reference, or the bank transaction and the invoice
    Column("bank_transaction", Identifier),
    Column("reconciliation", Identifier),  # what made it of the bank transaction
    required("received_at", Instant),
    required("created_at", Instant),
    Column("reversed_at", Instant),  # when that was undone
    PrimaryKeyConstraint("id", name="payments_pk"),
    Index("payments_receipt", "organization", "method", "receipt", unique=True),
    Index("payments_of_organization", "organization", "id"),
    Index("payments_of_invoice", "organization", "invoice", "id"),
    Index("payments_of_customer", "organization", "customer", "id"),
    Index("payments_of_reconciliation", "organization", "reconciliation"),
    CheckConstraint("amount > 0", name="payments_amount"),
    CheckConstraint("amount = on_invoice + on_balance + refunded", name="payments_parts"),
    CheckConstraint("on_invoice >= 0 AND on_balance >= 0 AND refunded >= 0", name="payments_signs"),
)

payment_refunds = table(
    "payment_refunds",
    required("id", Identifier),
    required("organization", Identifier),
    required("payment", Identifier),
    required("from_invoice", BigInteger),
    required("from_balance", BigInteger),
    Column("reason", LongText),
    required("created_at", Instant),
    PrimaryKeyConstraint("id", name="payment_refunds_pk"),
    Index("payment_refunds_of_payment", "organization", "payment", "id"),
    CheckConstraint("from_invoice >= 0 AND from_balance >= 0", name="payment_refunds_signs"),
    CheckConstraint("from_invoice + from_balance > 0", name="payment_refunds_amount"),
)
