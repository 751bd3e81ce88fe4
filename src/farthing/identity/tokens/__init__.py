"""Tokens: what a person gets for a password, for a few minutes at a time."""
