"""What is kept, under which name, and who keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

HIT: Final = "farthing; hit"  # Cache-Status (RFC 9211)
MISS: Final = "farthing; fwd=miss"


class Key(NamedTuple):
    """Whose, and which."""

    organization: str
    id: str

    @property
    def name(self) -> str:
        """One text for both, as units of work note what they change."""
        return f"{self.organization}/{self.id}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished answer: the body's bytes, and the version of what it shows, which only rises."""

    body: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, and whether it was kept already."""

    kept: Kept
    hit: bool

    @property
    def cache_status(self) -> str:
        return HIT if self.hit else MISS


Load = Callable[[], Kept]  # reads the store; raises what the room raises when there is nothing


class Source(Protocol):
    """Where answers of one kind come from: the store, which is asked anew each time."""

    def identify(self, organization: str, reference: str) -> str | None:
        """The id of what a reference names, for good; None when it names nothing."""

    def load(self, key: Key) -> Kept:
        """The answer as it is now; raises what the room raises when there is nothing."""

    def version(self, key: Key) -> int | None:
        """The version as it is now; None when there is nothing."""


class Keeper(Protocol):
    """Keeps answers and knows which of them are current."""

    def begin(self) -> None:
        """Get ready to keep; only where requests are answered, because it may begin a thread."""

    def get(self, key: Key, load: Load) -> Found:
        """The current answer: the one that is kept, else that of `load`, which is kept from then on."""

    def peek(self, key: Key) -> Kept | None:
        """The current answer if that can be told without the store."""
