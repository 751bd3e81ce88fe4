"""Coupons: reductions that customers and subscriptions may be given."""
