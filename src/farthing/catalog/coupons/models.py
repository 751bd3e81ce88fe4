"""The table of coupons."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Exact, Identifier, Instant, Json, Name, required, table

coupons = table(
    "coupons",
    required("id", Identifier),
    required("organization", Identifier),
    required("key", Name),
    required("name", Name),
    Column("percent", Exact),
    Column("amount", BigInteger),
    Column("currency", Identifier),
    required("duration", Json),
    required("applies_to", Json),
    Column("redeem_by", Instant),
    Column("max_redemptions", Integer),
    required("redemptions", Integer),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    PrimaryKeyConstraint("id", name="coupons_pk"),
    Index("coupons_key", "organization", "key", unique=True),
    Index("coupons_of_organization", "organization", "id"),
    CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="coupons_one_of"),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="coupons_currency"),
    CheckConstraint("amount IS NULL OR amount > 0", name="coupons_amount"),
    CheckConstraint("max_redemptions IS NULL OR redemptions <= max_redemptions", name="coupons_redemptions"),
)
