"""The tables of subscriptions."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, Json, LongText, Name, required, table

subscriptions = table(
    "subscriptions",
    required("id", Identifier),
    required("organization", Identifier),
    Column("key", Name),
    required("customer", Identifier),
    required("plan", Identifier),
    required("plan_key", Name),
    required("plan_version", Integer),
    required("currency", Identifier),
    required("interval_unit", Identifier),
    required("interval_count", Integer),
    required("anchor", Identifier),
    required("timezone", Name),
    required("first_day", Identifier),
    required("starts_at", Instant),
    Column("ends_at", Instant),
    Column("canceled_at", Instant),
    required("quantities", Json),
    required("own_usage", Boolean),
    required("metadata", Json),
    Column("billed_through", Instant),
    Column("next_boundary", Instant),
    Column("parked", LongText),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="subscriptions_pk"),
    Index("subscriptions_key", "organization", "key", unique=True),
    Index("subscriptions_of_organization", "organization", "id"),
    Index("subscriptions_of_customer", "organization", "customer", "id"),
    Index("subscriptions_of_plan", "organization", "plan", "plan_version"),
    Index("subscriptions_due", "organization", "next_boundary"),
    CheckConstraint("interval_count > 0", name="subscriptions_interval"),
)

# boundaries at or before `billed_through` that are open all the same: an earlier draft, or a voided invoice
open_boundaries = table(
    "open_boundaries",
    required("organization", Identifier),
    required("subscription", Identifier),
    required("boundary", Instant),
    PrimaryKeyConstraint("organization", "subscription", "boundary", name="open_boundaries_pk"),
    ForeignKeyConstraint(["subscription"], ["subscriptions.id"], name="open_boundaries_subscription_fk"),
)

# one row a customer, locked by whoever must look at all its subscriptions before making another
billing_accounts = table(
    "billing_accounts",
    required("organization", Identifier),
    required("customer", Identifier),
    PrimaryKeyConstraint("organization", "customer", name="billing_accounts_pk"),
)
