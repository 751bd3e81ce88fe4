"""Payments for no invoice or more than is due, refunds, and reconciliations.

Reversible while every payment is for one invoice and nothing was given back. On SQLite the table of payments is
copied; elsewhere it holds up payments for a moment.
"""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Identifier, Instant, Json, LongText, Name

revision = "0019_money_on_account"
down_revision = "0018_bank_transactions"

NEW = ("receipt", "bank_transaction", "reconciliation", "reversed_at", "on_invoice", "on_balance", "refunded")
REFUNDED = "refunded >= 0 AND refunded <= amount"
PARTS = {
    "payments_parts": "amount = on_invoice + on_balance + refunded",
    "payments_signs": "on_invoice >= 0 AND on_balance >= 0 AND refunded >= 0",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        column = "refunded BIGINT NOT NULL DEFAULT 0 CONSTRAINT invoice_payments_refunded"
        op.execute(f"ALTER TABLE invoice_payments ADD COLUMN {column} CHECK ({REFUNDED})")
        _copied(["id", "organization", "invoice", "customer", "amount", "amount", "0", "0", "currency", "method",
                 "reference", "reference", "NULL", "NULL", "received_at", "created_at", "NULL"])
    else:
        op.add_column("invoice_payments", sa.Column("refunded", sa.BigInteger(), nullable=False, server_default="0"))
        op.create_check_constraint("invoice_payments_refunded", "invoice_payments", REFUNDED)
        _widened()
    _indexed("payments_receipt", "receipt")
    op.create_index("payments_of_reconciliation", "payments", ["organization", "reconciliation"], unique=False)
    _reconciliations()


def _widened() -> None:
    op.drop_index("payments_reference", "payments")
    op.alter_column("payments", "invoice", existing_type=Identifier, nullable=True)
    for name in ("on_invoice", "on_balance", "refunded"):
        op.add_column("payments", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    for name, kind in (("receipt", Name), ("bank_transaction", Identifier), ("reconciliation", Identifier),
                       ("reversed_at", Instant)):
        op.add_column("payments", sa.Column(name, kind, nullable=True))
    op.execute("UPDATE payments SET on_invoice = amount, receipt = reference")
    for name, condition in PARTS.items():
        op.create_check_constraint(name, "payments", condition)


def _copied(values: list[str]) -> None:
    """SQLite changes no column: the payments are copied into a table that has them as wanted."""
    op.create_table(
        "new_payments",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=True),
        sa.Column("customer", Identifier, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("amount", "on_invoice", "on_balance")),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("method", Name, nullable=False),
        sa.Column("reference", Name, nullable=True),
        sa.Column("receipt", Name, nullable=True),
        sa.Column("bank_transaction", Identifier, nullable=True),
        sa.Column("reconciliation", Identifier, nullable=True),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("reversed_at", Instant, nullable=True),
        sa.CheckConstraint("amount > 0", name="payments_amount"),
        *(sa.CheckConstraint(condition, name=name) for name, condition in PARTS.items()),
        sa.PrimaryKeyConstraint("id", name="payments_pk"),
    )
    _replaced(values)


def _replaced(values: list[str]) -> None:
    op.execute(f"INSERT INTO new_payments SELECT {', '.join(values)} FROM payments")
    op.drop_table("payments")
    op.rename_table("new_payments", "payments")
    for name in ("customer", "invoice"):
        op.create_index(f"payments_of_{name}", "payments", ["organization", name, "id"], unique=False)
    op.create_index("payments_of_organization", "payments", ["organization", "id"], unique=False)


def _indexed(name: str, column: str) -> None:
    op.create_index(name, "payments", ["organization", "method", column], unique=True)


def _reconciliations() -> None:
    op.create_table(
        "payment_refunds",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("payment", Identifier, nullable=False),
        sa.Column("from_invoice", sa.BigInteger(), nullable=False),
        sa.Column("from_balance", sa.BigInteger(), nullable=False),
        sa.Column("reason", LongText, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("from_invoice >= 0 AND from_balance >= 0", name="payment_refunds_signs"),
        sa.CheckConstraint("from_invoice + from_balance > 0", name="payment_refunds_amount"),
        sa.PrimaryKeyConstraint("id", name="payment_refunds_pk"),
        **PADDED_ENGINE,
    )
    of_payment = ["organization", "payment", "id"]
    op.create_index("payment_refunds_of_payment", "payment_refunds", of_payment, unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("proposals", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("undone_at", Instant, nullable=True),
        sa.CheckConstraint("kind IN ('proposed', 'auto', 'chosen')", name="reconciliations_kind"),
        sa.PrimaryKeyConstraint("id", name="reconciliations_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("reconciliations_of_organization", "reconciliations", ["organization", "id"], unique=False)
    op.create_table(
        "reconciliation_proposals",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("reconciliation", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("bank_transaction", Identifier, nullable=False),
        sa.Column("kind", Identifier, nullable=False),
        sa.Column("ambiguous", sa.Boolean(), nullable=False),
        sa.Column("reason", LongText, nullable=False),
        sa.Column("candidates", Json, nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("reconciliation", "position", name="reconciliation_proposals_pk"),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name="reconciliation_proposals_reconciliation_fk"
        ),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    for table in ("reconciliation_proposals", "reconciliations", "payment_refunds"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "sqlite":
        _as_before()
    else:
        _narrowed()
    _indexed("payments_reference", "reference")
    op.drop_column("invoice_payments", "refunded")


def _narrowed() -> None:
    op.drop_constraint("invoice_payments_refunded", "invoice_payments", type_="check")
    for name in PARTS:
        op.drop_constraint(name, "payments", type_="check")
    for name in ("payments_receipt", "payments_of_reconciliation"):
        op.drop_index(name, "payments")
    for name in NEW:
        op.drop_column("payments", name)
    op.alter_column("payments", "invoice", existing_type=Identifier, nullable=False)


def _as_before() -> None:
    op.create_table(
        "new_payments",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("method", Name, nullable=False),
        sa.Column("reference", Name, nullable=True),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("amount > 0", name="payments_amount"),
        sa.PrimaryKeyConstraint("id", name="payments_pk"),
    )
    _replaced(["id", "organization", "invoice", "customer", "amount", "currency", "method", "reference",
               "received_at", "created_at"])
