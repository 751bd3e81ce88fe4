"""Lists by key, never by offset: an opaque cursor says after which row the next page begins."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Generic, TypeVar

from farthing.kernel.problems import FieldError, Invalid

T = TypeVar("T")
U = TypeVar("U")
LIMIT: Final = 50
MOST: Final = 200


class BadCursor(Invalid):
    """A cursor that this list did not give to this organisation."""

    def __init__(self) -> None:
        message = "is not a cursor of this list; take it from `next` of the page before"
        super().__init__("The cursor in `after` is not one of this list.", [FieldError("after", message)])


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows in the order of their keys, and the cursor of what follows, or None at the end."""

    data: Sequence[T]
    next: str | None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        return Page([change(row) for row in self.data], self.next)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a caller asked of a list: how many rows, and after which position."""

    name: str  # of the list and its organisation: a cursor of another one is refused
    limit: int
    position: str  # "" from the beginning

    def page(self, rows: Sequence[T], position: Callable[[T], str]) -> Page[T]:
        """The page made of up to `limit` + 1 rows: the one too many only tells that there is more."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(shown, cursor_of(self.name, position(shown[-1])) if more else None)


def listing(name: str, organization: str, limit: int = LIMIT, after: str | None = None) -> Listing:
    """Read a cursor; raises BadCursor for one that was forged or belongs to another list."""
    full = f"{organization}/{name}"
    return Listing(full, limit, position_of(full, after) if after else "")


def cursor_of(name: str, position: str) -> str:
    raw = _seal(name, position) + position.encode("utf-8")
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def position_of(name: str, cursor: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position = raw[8:].decode("utf-8")
    except (UnicodeError, binascii.Error, ValueError) as error:
        raise BadCursor from error
    if raw[:8] != _seal(name, position):
        raise BadCursor
    return position


def _seal(name: str, position: str) -> bytes:
    return blake2b(f"{name}\0{position}".encode(), digest_size=8).digest()
