"""Tax rates: what is added to a price, or is in it, and where."""
