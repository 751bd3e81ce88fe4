"""The tables of subscriptions."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint

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
    Column("usage_unit", Identifier),  # null: the plan's own interval
    required("anchor", Identifier),
    required("timezone", Name),
    required("first_day", Identifier),
    required("starts_at", Instant),
    Column("trial_ends_at", Instant),
    Column("ends_at", Instant),
    Column("agreed_end", Instant),
    Column("canceled_at", Instant),
    required("quantities", Json),
    Column("overrides", LongText),  # JSON; null: none
    required("own_usage", Boolean),
    required("metadata", Json),
    Column("billed_through", Instant),
    required("still_open", Json),  # boundaries before `billed_through`: an earlier draft, or a voided invoice
    Column("next_boundary", Instant),
    Column("changes", LongText),  # JSON, like pauses, cuts and own_invoices; null: none
    Column("pauses", LongText),
    Column("paused_from", Instant),  # the last of them
    Column("paused_until", Instant),
    Column("cuts", LongText),
    Column("own_invoices", LongText),
    Column("adjusted_from", Instant),
    Column("late_through", BigInteger),  # the events up to here that came late are accounted for; null: none are
    Column("late_open", Boolean),  # ended, and what came late is to be looked at again
    Column("parked", LongText),
    Column("parked_at", Instant),
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
    CheckConstraint("ends_at IS NULL OR billed_through IS NULL OR billed_through <= ends_at", name="subscriptions_end"),
    CheckConstraint("(parked IS NULL) = (parked_at IS NULL)", name="subscriptions_parked"),
)

# the plans that subscriptions were changed to, so that they stay; the first one is in the subscription itself
subscription_plans = table(
    "subscription_plans",
    required("organization", Identifier),
    required("plan", Identifier),
    required("version", Integer),
    required("subscription", Identifier),
    PrimaryKeyConstraint("organization", "plan", "version", "subscription", name="subscription_plans_pk"),
)

# one row a customer, locked by whoever must know all that the customer has before adding to it or taking it away
billing_accounts = table(
    "billing_accounts",
    required("organization", Identifier),
    required("customer", Identifier),
    PrimaryKeyConstraint("organization", "customer", name="billing_accounts_pk"),
)
