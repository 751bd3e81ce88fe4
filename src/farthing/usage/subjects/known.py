"""Numbers of names remembered between batches, so that most batches need not ask for them."""

from typing import Final

from farthing.usage.events.streams import Stream

MOST_NAMES: Final = 200_000  # of all organisations together, about 100 bytes each


class KnownSubjects:
    """What the rows of names were when a stream was last held: they change only when the stream says so.

    Whoever holds a stream may look here and add what is committed. Whatever binds a name anew takes a number of the
    stream that is no event's, and a new name never changes the row of another.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stream, dict[str, int]]] = {}
        self._count = 0

    def of(self, stream: Stream) -> dict[str, int]:
        """The numbers by name."""
        before, refs = self._known.get(stream.organization, (stream, {}))
        same = (before.number, before.seed, before.bindings) == (stream.number, stream.seed, stream.bindings)
        if not same or before.last_ref > stream.last_ref:  # bound anew, or another history
            self._count -= len(refs)
            refs = {}
        self._known[stream.organization] = (stream, refs)
        return refs

    def add(self, stream: Stream, refs: dict[str, int]) -> None:
        """Remember some that are committed."""
        if self._count + len(refs) > MOST_NAMES:
            self._known.clear()
            self._count = 0
        known = self.of(stream)
        self._count += len(refs.keys() - known.keys())
        known |= refs
