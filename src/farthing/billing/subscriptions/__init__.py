"""Subscriptions: which plan a customer has, since when, and how far it has been billed."""
