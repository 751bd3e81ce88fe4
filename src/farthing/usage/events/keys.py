"""What tells a repeat from another event under the same name (rule 16).

Names are found by 64 bits of them (see `keyset`), which is a suspicion only: what the stored row says decides.
"""

import re
from dataclasses import dataclass
from typing import Final

from farthing.kernel.strict_json import JsonNumber, canonical, decoded

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """An event as its row has it; times in microseconds, `data` and `extensions` JSON as they were sent."""

    source: str
    id: str
    type: str
    subject: str
    time: int
    received_at: int
    data: str | None
    extensions: str | None

    @property
    def untimed(self) -> bool:
        """Whether it was sent without a time, as far as can be told."""
        return self.time == self.received_at


def same_name(one: Said, other: Said) -> bool:
    """Whether two events are one, or one of them a conflict."""
    return one.id == other.id and one.source == other.source


def same_content(one: Said, other: Said) -> bool:
    """Whether two events of one name say the same: 1.0 like 1, a quantity as text like the number."""
    if (one.type, one.subject) != (other.type, other.subject):
        return False
    if one.time != other.time and not (one.untimed and other.untimed):
        return False
    if (one.data, one.extensions) == (other.data, other.extensions):
        return True
    return _canonical(one) == _canonical(other)


def _canonical(said: Said) -> str:
    data, extensions = (None if text is None else decoded(text.encode()) for text in (said.data, said.extensions))
    if isinstance(data, dict):
        data = {name: _as_number(value) for name, value in data.items()}
    return canonical([data, extensions])


def _as_number(value: object) -> object:
    """A quantity may be sent as a string: then it says the same as the number."""
    return JsonNumber(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value
