"""Plans: prices that are subscribed to together, in versions that never change once somebody did."""
