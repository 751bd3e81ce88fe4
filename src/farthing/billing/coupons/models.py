"""The table of coupons that were given; where they were used is with the invoices."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint

from farthing.kernel.columns import Identifier, Instant, required, table

attached_coupons = table(
    "attached_coupons",
    required("id", Identifier),
    required("organization", Identifier),
    required("coupon", Identifier),
    required("customer", Identifier),
    Column("subscription", Identifier),
    required("owner", Identifier),  # the subscription where it was given to one, else the customer
    required("attached_at", Instant),
    PrimaryKeyConstraint("id", name="attached_coupons_pk"),
    Index("attached_coupons_once", "organization", "owner", "coupon", unique=True),
)
