"""Subscriptions, invoices, bill runs and payments. Reversible."""

import sqlalchemy as sa
from alembic import op

from farthing.kernel.columns import PADDED_ENGINE, Exact, Identifier, Instant, Json, LongText, Name

revision = "0006_billing"
down_revision = "0005_usage"


def upgrade() -> None:
    op.create_table(
        "bill_runs",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("as_of", Instant, nullable=False),
        sa.Column("customers", Json, nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("status", Identifier, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("parked", Json, nullable=False),
        sa.Column("error", LongText, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="bill_runs_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("bill_runs_of_organization", "bill_runs", ["organization", "id"], unique=False)
    op.create_index("bill_runs_unfinished", "bill_runs", ["status", "id"], unique=False)
    op.create_table(
        "billing_accounts",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("organization", "customer", name="billing_accounts_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "invoices",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("number", Identifier, nullable=True),
        sa.Column("status", Identifier, nullable=False),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("buyer", Json, nullable=False),
        sa.Column("seller", Json, nullable=False),
        sa.Column("subscription", Identifier, nullable=True),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("boundary", Instant, nullable=True),
        sa.Column("period_from", Instant, nullable=True),
        sa.Column("period_to", Instant, nullable=True),
        sa.Column("issued_at", Instant, nullable=True),
        sa.Column("due_at", Instant, nullable=True),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount_total", sa.BigInteger(), nullable=False),
        sa.Column("tax_total", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("credit_applied", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("amount_due", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("bill_run", Identifier, nullable=True),
        sa.Column("billed_as", Name, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("(number IS NULL) = (status = 'draft')", name="invoices_numbered"),
        sa.CheckConstraint(
            "(status <> 'open' OR amount_due > 0) AND (status <> 'paid' OR amount_due = 0)", name="invoices_paid"
        ),
        sa.CheckConstraint("status IN ('draft', 'open', 'paid', 'void', 'uncollectible')", name="invoices_status"),
        sa.CheckConstraint("(number IS NULL) = (issued_at IS NULL)", name="invoices_issued"),
        sa.CheckConstraint("amount_due = total - credit_applied - amount_paid", name="invoices_due"),
        sa.CheckConstraint("total = subtotal - discount_total + tax_total", name="invoices_total"),
        sa.CheckConstraint("total >= 0 AND amount_paid >= 0 AND amount_due >= 0", name="invoices_sign"),
        sa.PrimaryKeyConstraint("id", name="invoices_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("invoices_boundary", "invoices", ["organization", "billed_as"], unique=True)
    op.create_index("invoices_number", "invoices", ["organization", "number"], unique=True)
    op.create_index("invoices_of_customer", "invoices", ["organization", "customer", "id"], unique=False)
    op.create_index("invoices_of_organization", "invoices", ["organization", "id"], unique=False)
    op.create_index("invoices_of_run", "invoices", ["organization", "bill_run", "id"], unique=False)
    op.create_index("invoices_of_subscription", "invoices", ["organization", "subscription", "boundary"], unique=False)
    op.create_table(
        "number_series",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("series", Identifier, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("issued_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("organization", "series", "year", name="number_series_pk"),
        **PADDED_ENGINE,
    )
    op.create_table(
        "payments",
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
        **PADDED_ENGINE,
    )
    op.create_index("payments_of_customer", "payments", ["organization", "customer", "id"], unique=False)
    op.create_index("payments_of_invoice", "payments", ["organization", "invoice", "id"], unique=False)
    op.create_index("payments_of_organization", "payments", ["organization", "id"], unique=False)
    op.create_index("payments_reference", "payments", ["organization", "method", "reference"], unique=True)
    op.create_table(
        "subscriptions",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("key", Name, nullable=True),
        sa.Column("customer", Identifier, nullable=False),
        sa.Column("plan", Identifier, nullable=False),
        sa.Column("plan_key", Name, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("interval_unit", Identifier, nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("anchor", Identifier, nullable=False),
        sa.Column("timezone", Name, nullable=False),
        sa.Column("first_day", Identifier, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=True),
        sa.Column("canceled_at", Instant, nullable=True),
        sa.Column("quantities", Json, nullable=False),
        sa.Column("own_usage", sa.Boolean(), nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("billed_through", Instant, nullable=True),
        sa.Column("still_open", Json, nullable=False),
        sa.Column("next_boundary", Instant, nullable=True),
        sa.Column("parked", LongText, nullable=True),
        sa.Column("parked_at", Instant, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("(parked IS NULL) = (parked_at IS NULL)", name="subscriptions_parked"),
        sa.CheckConstraint(
            "ends_at IS NULL OR billed_through IS NULL OR billed_through <= ends_at", name="subscriptions_end"
        ),
        sa.CheckConstraint("interval_count > 0", name="subscriptions_interval"),
        sa.PrimaryKeyConstraint("id", name="subscriptions_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("subscriptions_due", "subscriptions", ["organization", "next_boundary"], unique=False)
    op.create_index("subscriptions_key", "subscriptions", ["organization", "key"], unique=True)
    op.create_index("subscriptions_of_customer", "subscriptions", ["organization", "customer", "id"], unique=False)
    op.create_index("subscriptions_of_organization", "subscriptions", ["organization", "id"], unique=False)
    op.create_index("subscriptions_of_plan", "subscriptions", ["organization", "plan", "plan_version"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", LongText, nullable=False),
        sa.Column("price", Name, nullable=True),
        sa.Column("group_by", Json, nullable=False),
        sa.Column("group_values", Json, nullable=False),
        sa.Column("period_from", Instant, nullable=True),
        sa.Column("period_to", Instant, nullable=True),
        sa.Column("quantity", LongText, nullable=False),
        sa.Column("unit_amount", Exact, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", Identifier, nullable=False),
        sa.Column("billed_as", Name, nullable=True),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_lines_invoice_fk"),
        sa.PrimaryKeyConstraint("id", name="invoice_lines_pk"),
        **PADDED_ENGINE,
    )
    op.create_index("invoice_lines_of_invoice", "invoice_lines", ["invoice", "position"], unique=False)
    op.create_index("invoice_lines_once", "invoice_lines", ["organization", "billed_as"], unique=True)
    op.create_table(
        "invoice_payments",
        sa.Column("organization", Identifier, nullable=False),
        sa.Column("invoice", Identifier, nullable=False),
        sa.Column("payment", Identifier, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", Identifier, nullable=False),
        sa.Column("method", Name, nullable=False),
        sa.Column("reference", Name, nullable=True),
        sa.Column("received_at", Instant, nullable=False),
        sa.CheckConstraint("amount > 0", name="invoice_payments_amount"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_payments_invoice_fk"),
        sa.PrimaryKeyConstraint("invoice", "payment", name="invoice_payments_pk"),
        **PADDED_ENGINE,
    )


def downgrade() -> None:
    op.drop_table("invoice_payments")
    op.drop_index("invoice_lines_once", table_name="invoice_lines")
    op.drop_index("invoice_lines_of_invoice", table_name="invoice_lines")
    op.drop_table("invoice_lines")
    op.drop_index("subscriptions_of_plan", table_name="subscriptions")
    op.drop_index("subscriptions_of_organization", table_name="subscriptions")
    op.drop_index("subscriptions_of_customer", table_name="subscriptions")
    op.drop_index("subscriptions_key", table_name="subscriptions")
    op.drop_index("subscriptions_due", table_name="subscriptions")
    op.drop_table("subscriptions")
    op.drop_index("payments_reference", table_name="payments")
    op.drop_index("payments_of_organization", table_name="payments")
    op.drop_index("payments_of_invoice", table_name="payments")
    op.drop_index("payments_of_customer", table_name="payments")
    op.drop_table("payments")
    op.drop_table("number_series")
    op.drop_index("invoices_of_subscription", table_name="invoices")
    op.drop_index("invoices_of_run", table_name="invoices")
    op.drop_index("invoices_of_organization", table_name="invoices")
    op.drop_index("invoices_of_customer", table_name="invoices")
    op.drop_index("invoices_number", table_name="invoices")
    op.drop_index("invoices_boundary", table_name="invoices")
    op.drop_table("invoices")
    op.drop_table("billing_accounts")
    op.drop_index("bill_runs_unfinished", table_name="bill_runs")
    op.drop_index("bill_runs_of_organization", table_name="bill_runs")
    op.drop_table("bill_runs")
