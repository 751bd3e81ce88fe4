"""Organisations: the tenants, each with its own defaults."""
