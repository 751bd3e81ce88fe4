"""What rooms ask: the finished answer to a reference."""

import threading
from typing import Final

from farthing.kernel.cache.values import Found, Keeper, Kept, Key, Source
from farthing.kernel.ids import is_id

MOST_NAMES: Final = 100_000


class Answers:
    """Finished answers about things with identifiers of one prefix, which are also found by a name given for good."""

    def __init__(self, prefix: str, source: Source, keeper: Keeper) -> None:
        self._prefix = prefix
        self._source = source
        self._keeper = keeper
        self._lock = threading.Lock()
        self._ids: dict[Key, str] = {}  # of names: a name never changes its owner

    def begin(self) -> None:
        """Get ready to keep answers; in the process that serves them, never in one that will fork."""
        self._keeper.begin()

    def get(self, organization: str, reference: str) -> Found:
        """The current answer; raises what the source raises when there is nothing."""
        key = Key(organization, self._known(organization, reference) or self._identified(organization, reference))
        return self._keeper.get(key, lambda: self._source.load(key))

    def peek(self, organization: str, reference: str) -> Kept | None:
        """The current answer if it can be told without the store."""
        id = self._known(organization, reference)
        return None if id is None else self._keeper.peek(Key(organization, id))

    def _known(self, organization: str, reference: str) -> str | None:
        return reference if is_id(reference, self._prefix) else self._ids.get(Key(organization, reference))

    def _identified(self, organization: str, name: str) -> str:
        """The id of what has this name; the name itself where nothing has, of which the source will say so."""
        id = self._source.identify(organization, name)
        if id is None:
            return name
        with self._lock:
            while len(self._ids) >= MOST_NAMES:
                del self._ids[next(iter(self._ids))]
            self._ids[Key(organization, name)] = id
        return id
