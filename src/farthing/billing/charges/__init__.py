"""One-off charges: lines that wait for the customer's next invoice."""
