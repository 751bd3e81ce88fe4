"""Payments: money that came in, set against invoices."""
