"""Events: checked, kept once, voided once."""
