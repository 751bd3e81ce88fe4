"""Which events an organisation has: sets of 64-bit hashes that say what is new, worked out from the events themselves.

`IndexKeys` keeps them in a table, `FileKeys` in memory and in sorted files.
"""
