"""Rating on demand: what a price charges for a quantity, storing nothing."""
