"""Meters: how events become a quantity."""
