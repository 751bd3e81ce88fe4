"""What `farthing doctor` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `problem` is None when it is as it should be; `note` is good to know."""

    what: str
    found: str
    problem: str | None = None
    note: str | None = None
