"""The set of keys as an index of the database: slow for random keys, and simple."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

from sqlalchemy import Connection

from farthing.usage.events.keyset.store import KeyStore
from farthing.usage.events.keyset.values import Claim, RowsAfter, Suspect
from farthing.usage.events.streams import Stream

KEEPER: Final = "index"
AT_ONCE: Final = 10_000  # rows caught up with in one statement


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """Keys in a table, which commits, rolls back and is restored with the events; it keeps nothing in memory."""

    rows_after: RowsAfter

    def claim(self, connection: Connection, stream: Stream, hashes: Sequence[int]) -> Claim:
        """See `KeySet`."""
        store = KeyStore(connection)
        self._catch_up(connection, stream)
        known: dict[int, list[int]] = {}
        for hash, seq in store.found(stream.organization, hashes):
            known.setdefault(hash, []).append(seq)
        new = [place for place, hash in enumerate(hashes) if hash not in known]
        suspects = [Suspect(place, seq) for place, hash in enumerate(hashes) for seq in known.get(hash, ())]
        return Claim(new, suspects)

    def add(self, connection: Connection, stream: Stream, hashes: Sequence[int], first_seq: int) -> None:
        """See `KeySet`."""
        if not hashes:
            return
        store = KeyStore(connection)
        store.append(stream.organization, zip(hashes, range(first_seq, first_seq + len(hashes)), strict=True))
        store.save_position(stream.organization, KEEPER, first_seq + len(hashes) - 1)

    def close(self) -> None:
        """See `KeySet`."""

    def _catch_up(self, connection: Connection, stream: Stream) -> None:
        """Take in rows that another engine added."""
        store = KeyStore(connection)
        known = store.position(stream.organization, KEEPER) or 0
        if known >= stream.last_seq:
            return
        rows = takewhile(lambda row: row[0] <= stream.last_seq, self.rows_after(connection, stream, known))
        while some := list(islice(rows, AT_ONCE)):
            store.append(stream.organization, ((hash, seq) for seq, hash in some))
        store.save_position(stream.organization, KEEPER, stream.last_seq)
