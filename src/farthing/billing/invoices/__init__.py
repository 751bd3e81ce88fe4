"""Invoices: drafts, numbers, payments against them, and where each amount comes from."""
