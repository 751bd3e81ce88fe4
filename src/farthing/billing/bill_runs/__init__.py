"""Bill runs: everything that is due by a moment becomes an invoice, once."""
