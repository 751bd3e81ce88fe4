"""Credit notes: what is given back of finalised invoices."""
