"""Farthing: usage to invoice, exact to the last minor unit, in one process."""

__version__ = "0.1.0"
