"""Identifiers: a type prefix, the time in milliseconds and 80 random bits, so that they sort by age."""

import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, in the order of ASCII
PREFIXES: Final = (
    *("cus", "mtr", "pln", "sub", "inv", "pay", "crn", "cpn", "wal", "whk", "evt", "run", "imp", "key"),
    *("usr", "org", "lin", "prc", "tax", "chg", "jrn", "aud"),
)
LOOKS_LIKE_AN_ID: Final = re.compile(rf"({'|'.join(PREFIXES)})_")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

NewId = Callable[[str, datetime], str]  # a prefix and the time, which services are handed


@dataclass(slots=True)
class _Last:
    """The number given last, so that identifiers of one millisecond rise too."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0


_last: Final = _Last()


def new_id(prefix: str, now: datetime) -> str:
    """`prefix_` and 26 characters: 48 bits of `now` in milliseconds, then 80 random bits; rising in a process."""
    milliseconds = (now - EPOCH) // timedelta(milliseconds=1)
    with _last.lock:
        same = _last.number >> 80 == milliseconds
        # a random step rather than 1: nobody can tell a neighbour's identifier from one's own
        number = _last.number + 1 + secrets.randbits(40) if same else milliseconds << 80 | secrets.randbits(79)
        _last.number = number
    return f"{prefix}_{''.join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))}"


def is_id(reference: str, prefix: str) -> bool:
    """Whether a reference is an identifier of this kind rather than a caller's own key."""
    return reference.startswith(f"{prefix}_")
