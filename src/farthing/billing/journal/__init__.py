"""The journal: a balanced entry for all that happens to money, written with it and sealed into a chain."""
