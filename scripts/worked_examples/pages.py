"""How an example stands on the page: a heading, a few sentences, a table."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from farthing.pricing.arithmetic import money, plain
from farthing.pricing.currencies import currency

USD, JPY, KWD, EUR = (currency(code) for code in ("USD", "JPY", "KWD", "EUR"))


def section(title: str, rules: str, words: str, *tables: str) -> str:
    """A part of the page; `rules` as in "rule 7"."""
    said = " ".join(words.split())
    return "\n".join([f"## {title} ({rules})", "", said, "", *(f"{one}\n" for one in tables)])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers and texts in columns."""
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    return "\n".join([*lines, *(f"| {' | '.join(map(shown, row))} |" for row in rows)])


def shown(value: object) -> str:
    return plain(value) if isinstance(value, Decimal | Fraction) else str(value)


def usd(amount: Decimal) -> str:
    return money(amount, USD)


def d(text: str) -> Decimal:
    return Decimal(text)
