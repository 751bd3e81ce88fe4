"""Reconciliations: which invoices transfers pay, proposed, applied and taken back (rule 24)."""
