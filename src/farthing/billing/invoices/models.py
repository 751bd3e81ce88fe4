"""The tables of invoices; amounts in minor units, so that the database itself checks the sums."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
)

from farthing.kernel.columns import Exact, Identifier, Instant, Json, LongText, Name, required, table

invoices = table(
    "invoices",
    required("id", Identifier),
    required("organization", Identifier),
    Column("number", Identifier),
    required("status", Identifier),
    required("customer", Identifier),
    required("buyer", Json),
    required("seller", Json),
    Column("subscription", Identifier),
    required("currency", Identifier),
    Column("boundary", Instant),
    Column("period_from", Instant),
    Column("period_to", Instant),
    Column("issued_at", Instant),
    Column("due_at", Instant),
    required("payment_terms_days", Integer),
    required("subtotal", BigInteger),
    required("discount_total", BigInteger),
    required("tax_total", BigInteger),
    required("total", BigInteger),
    required("credit_applied", BigInteger),
    required("amount_paid", BigInteger),
    required("amount_due", BigInteger),
    Column("taxes", Json),  # what each rate came to
    Column("position", BigInteger),
    Column("bill_run", Identifier),
    Column("change", Integer),  # of its subscription, where it is that change's own invoice and has no boundary
    Column("forgiven", Boolean),  # voided, and what it billed is not to be billed again
    Column("late", Boolean),  # what came after the last boundary, which has an invoice of its own or none
    Column("billed_as", Name),  # subscription and boundary; null once void, so that they can be billed again
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="invoices_pk"),
    Index("invoices_number", "organization", "number", unique=True),
    Index("invoices_boundary", "organization", "billed_as", unique=True),
    Index("invoices_of_organization", "organization", "id"),
    Index("invoices_of_customer", "organization", "customer", "id"),
    Index("invoices_by_issue", "organization", "issued_at", "id"),
    Index("invoices_of_run", "organization", "bill_run", "id"),
    Index("invoices_of_subscription", "organization", "subscription", "boundary"),
    CheckConstraint("total = subtotal - discount_total + tax_total", name="invoices_total"),
    CheckConstraint("amount_due = total - credit_applied - amount_paid", name="invoices_due"),
    CheckConstraint("total >= 0 AND amount_paid >= 0 AND amount_due >= 0", name="invoices_sign"),
    CheckConstraint("status IN ('draft', 'open', 'paid', 'void', 'uncollectible')", name="invoices_status"),
    CheckConstraint(
        "(status <> 'open' OR amount_due > 0) AND (status <> 'paid' OR amount_due = 0)", name="invoices_paid"
    ),
    CheckConstraint("(number IS NULL) = (status = 'draft')", name="invoices_numbered"),
    CheckConstraint("(number IS NULL) = (issued_at IS NULL)", name="invoices_issued"),
)

invoice_lines = table(
    "invoice_lines",
    required("id", Identifier),
    required("organization", Identifier),
    required("invoice", Identifier),
    required("position", Integer),
    required("description", LongText),
    Column("price", Name),
    required("group_by", Json),
    required("group_values", Json),
    Column("period_from", Instant),
    Column("period_to", Instant),
    required("quantity", LongText),
    Column("unit_amount", Exact),
    required("amount", BigInteger),
    required("reason", Identifier),
    Column("tax_code", Name),
    Column("entered", BigInteger),  # as rated; null where nobody wrote it down, and it is the amount
    required("discount", BigInteger),
    required("tax", BigInteger),
    Column("tax_rates", Json),
    Column("discounts", Json),
    Column("charge", Identifier),  # that it bills
    Column("days", Integer),  # of the full period's `of_days`, where the line is for fewer
    Column("of_days", Integer),
    Column("corrects_invoice", Identifier),
    Column("corrects_line", Identifier),
    Column("terms", LongText),  # what it was priced by, where the subscription had changed
    Column("billed_as", Name),  # what rule 25 has only once; null once void and on lines written by hand
    PrimaryKeyConstraint("id", name="invoice_lines_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_lines_invoice_fk"),
    Index("invoice_lines_once", "organization", "billed_as", unique=True),
    Index("invoice_lines_of_invoice", "invoice", "position"),
    Index("invoice_lines_correcting", "corrects_invoice"),
)

# what late usage took back of lines that charge usage, as it was rated: for each time that its subscription was billed
usage_credits = table(
    "usage_credits",
    required("organization", Identifier),
    required("line", Identifier),
    required("position", BigInteger),  # of the events that were counted
    Column("invoice", Identifier),  # that gave it back; null: only credit notes did
    required("rated", BigInteger),  # below zero
    required("quantity", LongText),
    PrimaryKeyConstraint("line", "position", name="usage_credits_pk"),
    ForeignKeyConstraint(["line"], ["invoice_lines.id"], name="usage_credits_line_fk"),
    Index("usage_credits_of_invoice", "organization", "invoice"),
)

# boundaries without a line, and the position of the events at which each was closed; the others have invoices
closed_without_invoice = table(
    "closed_without_invoice",
    required("organization", Identifier),
    required("subscription", Identifier),
    required("boundary", Instant),
    required("position", BigInteger),
    PrimaryKeyConstraint("organization", "subscription", "boundary", name="closed_without_invoice_pk"),
)

invoice_payments = table(
    "invoice_payments",
    required("organization", Identifier),
    required("invoice", Identifier),
    required("payment", Identifier),
    required("amount", BigInteger),
    required("currency", Identifier),
    required("method", Name),
    Column("reference", Name),
    required("received_at", Instant),
    required("refunded", BigInteger),  # what of it was given back since
    PrimaryKeyConstraint("invoice", "payment", name="invoice_payments_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_payments_invoice_fk"),
    CheckConstraint("amount > 0", name="invoice_payments_amount"),
    CheckConstraint("refunded >= 0 AND refunded <= amount", name="invoice_payments_refunded"),
)

# from which invoices that stand, drafts too, a coupon took something: what its duration counts (rule 19)
coupon_uses = table(
    "coupon_uses",
    required("organization", Identifier),
    required("attached", Identifier),
    required("invoice", Identifier),
    PrimaryKeyConstraint("attached", "invoice", name="coupon_uses_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="coupon_uses_invoice_fk"),
    Index("coupon_uses_of_invoice", "invoice"),
)

# which invoices have a tax rate, so that it stays
invoice_tax_rates = table(
    "invoice_tax_rates",
    required("organization", Identifier),
    required("invoice", Identifier),
    required("rate", Identifier),
    PrimaryKeyConstraint("invoice", "rate", name="invoice_tax_rates_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="invoice_tax_rates_invoice_fk"),
    Index("invoice_tax_rates_of_rate", "organization", "rate"),
)

# the last number of each series and year; its row is locked by the transaction that takes the next (rule 21)
number_series = table(
    "number_series",
    required("organization", Identifier),
    required("series", Identifier),
    required("year", Integer),
    required("last", Integer),
    required("issued_at", Instant),
    PrimaryKeyConstraint("organization", "series", "year", name="number_series_pk"),
)
