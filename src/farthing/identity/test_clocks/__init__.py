"""Clocks of sandbox organisations: each stands still until it is moved, and never goes back."""
