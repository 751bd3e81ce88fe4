"""API keys: long-lived secrets of programs, stored as hashes."""
