"""What a set of keys is asked and answers."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from farthing.usage.events.streams import Stream

# the sequence number and hash of each event of a stream after one, in order, as far as rows are still kept; numbers
# may be missing in between: bindings of names and voids take some
RowsAfter = Callable[[Connection, Stream, int], Iterator[tuple[int, int]]]


class Suspect(NamedTuple):
    """A stored row has the same 64 bits as the key at this place: most often it is the same event."""

    place: int
    seq: int


class Claim(NamedTuple):
    """What became of some keys, by their places in the order given.

    new       nobody has them
    suspects  by place; several of one place when different events share its 64 bits
    """

    new: list[int]
    suspects: list[Suspect]


class KeySet(Protocol):
    """All keys of all organisations; to be used inside a unit of work, while the organisation's stream is held."""

    def claim(self, connection: Connection, stream: Stream, hashes: Sequence[int]) -> Claim:
        """Which of these nobody has; what others have added up to `stream.last_seq` counts.

        hashes  signed, 64 bits; each once
        """

    def close(self) -> None:
        """Nobody asks any more."""

    def add(self, connection: Connection, stream: Stream, hashes: Sequence[int], first_seq: int) -> None:
        """These rows were appended in this transaction, numbered from `first_seq` on; nothing is left if it fails."""
