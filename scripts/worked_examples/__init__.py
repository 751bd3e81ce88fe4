"""`docs/worked-examples.md`: what the rules of money come to, worked out by the code that makes invoices."""

from worked_examples import corrections, invoices, prices, times

OPENING = """\
# Worked examples

Written by `scripts/generate`: every figure on this page was worked out by the code that makes invoices, so it is what
an invoice says. The rules are numbered as in [rules.md](rules.md), which names the code that keeps each.

Amounts are in dollars unless a table says otherwise. Yen have no decimals, Kuwaiti dinars three. A period runs from
its first day up to, but not including, the day behind the arrow.
"""


def worked_examples() -> str:
    """The whole page."""
    parts = [part for room in (prices, times, invoices, corrections) for part in room.SECTIONS]
    return "\n".join([OPENING, *(part() for part in parts)])
