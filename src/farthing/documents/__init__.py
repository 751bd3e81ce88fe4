"""Documents: finalised invoices and credit notes as people and their programs get them."""
