"""Bank transactions: money that came in as a bank's statement tells it, before anybody says what it pays."""
