"""Coupons that customers and subscriptions were given, and the invoices they took something from."""
