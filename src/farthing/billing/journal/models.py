"""The tables of the journal; amounts in minor units."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Name, required, table

journal_entries = table(  # append only: triggers refuse everything else
    "journal_entries",
    required("id", Identifier),
    required("organization", Identifier),
    required("source", Name),  # what happened, so that it is written once
    required("kind", Identifier),
    required("customer", Identifier),
    Column("invoice", Identifier),  # null for money that belongs to none yet
    Column("payment", Identifier),
    required("currency", Identifier),
    required("day", Identifier),  # the accounting day, in the organisation's time zone
    required("recorded_at", Instant),
    PrimaryKeyConstraint("id", name="journal_entries_pk"),
    Index("journal_entries_source", "organization", "source", unique=True),
    Index("journal_entries_by_day", "organization", "day", "id"),
    Index("journal_entries_of_invoice", "organization", "invoice", "id"),
)

# append only. A posting moves an amount from one account to another, so no row can unbalance an entry
journal_postings = table(
    "journal_postings",
    required("organization", Identifier),
    required("entry", Identifier),
    required("position", Integer),
    required("debit", Identifier),
    required("credit", Identifier),
    required("amount", BigInteger),
    PrimaryKeyConstraint("entry", "position", name="journal_postings_pk"),
    ForeignKeyConstraint(["entry"], ["journal_entries.id"], name="journal_postings_entry_fk"),
    CheckConstraint("amount > 0", name="journal_postings_amount"),
    CheckConstraint("debit <> credit", name="journal_postings_accounts"),
)

# what an invoice deferred, a row for each month in which some of it is earned
journal_releases = table(
    "journal_releases",
    required("organization", Identifier),
    required("invoice", Identifier),
    required("last_day", Identifier),  # of the month, local to the subscription
    required("customer", Identifier),
    required("currency", Identifier),
    required("amount", BigInteger),
    required("due_at", Instant),  # when that day is over
    Column("entry", Identifier),  # null until it is released
    PrimaryKeyConstraint("invoice", "last_day", name="journal_releases_pk"),
    ForeignKeyConstraint(["invoice"], ["invoices.id"], name="journal_releases_invoice_fk"),
    Index("journal_releases_due", "organization", "entry", "due_at"),
    CheckConstraint("amount <> 0", name="journal_releases_amount"),
)
