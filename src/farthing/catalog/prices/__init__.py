"""Prices: what goes over the wire and into the store, and the values that are rated."""
