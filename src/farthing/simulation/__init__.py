"""A random but repeatable company: the same seed brings the same invoices to the last unit, on whatever machine.

`story` decides what happens on which day, without input or output; `happenings` are carried out through the public
interface on a sandbox, whose clock moves from day to day; `totals` tells what came of it.
"""
