"""The clock: the only file that reads the time. Whoever needs it is handed a `Clock`."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from farthing.kernel.problems import Misconfigured

Clock = Callable[[str], datetime]  # by organisation, so that a sandbox can have its own

RFC_3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
EXPECTED: Final = 'an RFC 3339 date and time with an offset, such as "2026-10-01T12:00:00Z"'


class NotAnInstant(ValueError):
    """A text that is no RFC 3339 instant of the years 1 to 9998; says what was expected."""


def instant_from(text: str) -> datetime:
    """The UTC instant that an RFC 3339 text names, fractions kept to microseconds; raises NotAnInstant."""
    match = RFC_3339.fullmatch(text) if len(text) <= 64 else None
    if match is None:
        raise NotAnInstant(f"must be {EXPECTED}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "").ljust(6, "0")[:6])
    offset = _offset(match[8])
    try:
        local = datetime(year, month, day, hour, minute, second, micro, UTC)
        instant = local - offset
    except (ValueError, OverflowError) as error:
        raise NotAnInstant(f"must be {EXPECTED}; {error}") from error
    if not 1 < instant.year < 9999:
        raise NotAnInstant("must lie in the years 2 to 9998")
    return instant


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise NotAnInstant(f"must be {EXPECTED}; the offset {text} is none")
    length = timedelta(hours=hours, minutes=minutes)
    return length if text[0] == "+" else -length


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`, with a fraction only where there is one."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def clock_from(start: str) -> Clock:
    """The machine's clock, or one that began at `start` when the process did; raises Misconfigured."""
    if not start:
        return lambda organization: datetime.now(UTC)
    try:
        ahead = instant_from(start) - datetime.now(UTC)
    except NotAnInstant as error:
        raise Misconfigured(f"now is {start!r}; it {error}.") from error
    return lambda organization: datetime.now(UTC) + ahead


@dataclass(frozen=True, slots=True)
class SandboxesApart:
    """The real time, and in sandboxes the time at which their clocks stand.

    sandbox  where an organisation's own clock stands, as the store says now; None where it has none
    none     organisations that have none, which none ever gets later: they are asked about once in a process
    """

    real: Clock
    sandbox: Callable[[str], datetime | None]
    none: set[str] = field(default_factory=set)

    def __call__(self, organization: str) -> datetime:
        if organization and organization not in self.none:
            if (time := self.sandbox(organization)) is not None:
                return time
            self.none.add(organization)
        return self.real(organization)


def machine_nanoseconds() -> int:
    """The machine's own time in nanoseconds since 1970."""
    return time.time_ns()


def stamp_of(moment: int) -> str:
    """Such a moment as lines of the log carry it."""
    seconds, nanoseconds = divmod(moment, 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def machine_seconds() -> int:
    """The machine's own time in whole seconds since 1970, whatever an organisation's clock says."""
    return int(time.time())


def ticks() -> float:
    """Seconds that only rise, to tell how long something took; they say nothing about the time of day."""
    return time.perf_counter()


def elapsed() -> float:
    """Seconds that only rise and also count while the machine sleeps: for promises that end after a while."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
