"""Identifiers: a type prefix, the time in milliseconds and 80 more bits, 48 of them random, so that they sort by age.

A sandbox's clock stands still, for days if need be, so the 32 bits between the two are the machine's own seconds.
"""

import random
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from farthing.kernel.clock import machine_seconds

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, in the order of ASCII
PREFIXES: Final = (
    *("cus", "mtr", "pln", "sub", "inv", "pay", "crn", "cpn", "wal", "whk", "evt", "run", "imp", "key"),
    *("usr", "org", "adv", "lin", "prc", "tax", "chg", "jrn", "aud", "btx", "rec", "rfd", "mig"),
)
LOOKS_LIKE_AN_ID: Final = re.compile(rf"({'|'.join(PREFIXES)})_")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
REMEMBERED: Final = 1_000  # milliseconds of which the last number is known

NewId = Callable[[str, datetime], str]  # a prefix and the time, which services are handed


@dataclass(slots=True)
class _Last:
    """The numbers given last, by their millisecond, so that identifiers of one millisecond rise too.

    Clocks that stand still are as many as there are sandboxes at work; the oldest milliseconds are forgotten first.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: dict[int, int] = field(default_factory=dict)


_last: Final = _Last()


def new_id(prefix: str, now: datetime) -> str:
    """`prefix_` and 26 characters: 48 bits of `now` in milliseconds, then 80 more; rising in a process."""
    milliseconds = (now - EPOCH) // timedelta(milliseconds=1)
    first = milliseconds << 80 | (machine_seconds() & 0xFFFFFFFF) << 48 | secrets.randbits(47)
    with _last.lock:
        last = _last.numbers.pop(milliseconds, 0)
        # a random step rather than 1: nobody can tell a neighbour's identifier from one's own
        number = max(first, last + 1 + secrets.randbits(40))
        _last.numbers[milliseconds] = number
        if len(_last.numbers) > REMEMBERED:
            del _last.numbers[next(iter(_last.numbers))]
    return f"{prefix}_{''.join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))}"


def mark(digits: int) -> str:
    """So many random hexadecimal digits, to tell requests apart: quick, and nothing that is to be a secret."""
    return f"{random.getrandbits(4 * digits):0{digits}x}"


def is_id(reference: str, prefix: str) -> bool:
    """Whether a reference is an identifier of this kind rather than a caller's own key."""
    return reference.startswith(f"{prefix}_")
