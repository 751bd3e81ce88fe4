"""The customer's balance: unapplied money and credit, by currency."""
