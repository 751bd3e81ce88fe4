"""The set of keys beside the database: as fast for random keys as for ordered ones, however many there are."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from farthing.usage.events.keyset.folder import KeyFolder
from farthing.usage.events.keyset.known import Known, Source
from farthing.usage.events.keyset.values import Claim, RowsAfter
from farthing.usage.events.streams import Stream

SIZE: Final = 250_000
IN_MEMORY: Final = 1_000_000
OPEN_FILES: Final = 256  # of all organisations together: each takes a descriptor


def new_mark() -> str:
    return secrets.token_hex(16)


class FileKeys:
    """Recent keys in memory, older ones in sorted files; all worked out from the rows, and again where a file is bad.

    Nothing here is truth but the rows: a claim first reads what others have added, inside the caller's lock; keys of
    this process are taken in once their transaction has committed. Every `size` keys become a file, and FANOUT files
    one, in a thread of its own. Processes of one host share the folder; another host has its own.

    Memory: some 150 bytes for each of `in_memory` keys, all organisations together; those asked about longest ago are
    dropped first, and read again when they are asked about. A transaction's own keys, and those of an organisation
    whose files are being written, come on top. Files are mapped, 20 to 24 bytes a key: their pages are the system's.
    """

    def __init__(
        self, folder: Path, rows_after: RowsAfter, *, floor: Callable[[Stream], int] = lambda stream: 1,
        size: int = SIZE, in_memory: int = IN_MEMORY, background: bool = True,
        new_mark: Callable[[], str] = new_mark,
    ) -> None:
        """
        rows_after  reads in pages: there may be very many
        floor       the first sequence number of a stream whose row is still kept: of earlier ones files are the truth
        background  write and merge in a thread; else within the claim that finds it due
        """
        self.folder = folder
        self.source = Source(rows_after, floor, size, new_mark)
        self.in_memory = in_memory
        self.lock = threading.Lock()
        self.known: OrderedDict[str, Known] = OrderedDict()  # by organisation, the one asked about last at the end
        self.keys = self.files = 0  # in memory, and open
        self.verified: set[tuple[object, ...]] = set()
        self.closed = False
        self.workers = ThreadPoolExecutor(1, "keys") if background else None

    def claim(self, connection: Connection, stream: Stream, hashes: Sequence[int]) -> Claim:
        """See `KeySet`; raises KeysLost."""
        known = self._known(stream.organization)
        with known.lock:
            claim = known.claim(connection, stream, hashes)
            known.relieve(connection, stream, self._enough())
            known.mark(connection, stream.organization)
            self._count(known)
            self._set_to_work(known)
        return claim

    def add(self, connection: Connection, stream: Stream, hashes: Sequence[int], first_seq: int) -> None:
        """See `KeySet`."""
        if hashes:
            known = self._known(stream.organization)
            with known.lock:
                known.add(connection, hashes, first_seq)

    def warm(self, connection: Connection, stream: Stream) -> None:
        """Open the files and read what they do not know, so that the first claim does not have to; raises KeysLost.

        connection  of a read: all that it sees has committed
        """
        known = self._known(stream.organization)
        with known.lock:
            known.follow(connection, stream, stream.last_seq)
            self._count(known)

    def close(self) -> None:
        """Wait for what is being written."""
        self.closed = True
        if self.workers is not None:
            self.workers.shutdown(cancel_futures=True)

    def _known(self, organization: str) -> Known:
        with self.lock:
            known = self.known.get(organization)
            if known is None:
                folder = KeyFolder(self.folder / organization, organization, self.verified)
                known = self.known[organization] = Known(self.source, folder)
            self.known.move_to_end(organization)
            return known

    def _enough(self) -> int:
        """Recent keys that are written to a file: fewer when many organisations share the memory."""
        with self.lock:
            share = self.in_memory // (2 * len(self.known))
        return min(self.source.size, max(share, self.source.size // 64, 1))

    def _count(self, known: Known) -> None:
        """Drop the organisations asked about longest ago while there are too many keys in memory or files open."""
        with self.lock:
            if self.known.get(known.folder.organization) is not known:
                return
            before, known.counted = known.counted, (known.keys_in_memory(), len(known.windows))
            self._add(known.counted, before)
            if not self._too_many():
                return
            for organization, other in list(self.known.items()):
                if other is not known and not other.active():
                    del self.known[organization]
                    self._add((0, 0), other.counted)
                if not self._too_many():
                    return

    def _add(self, now: tuple[int, int], before: tuple[int, int]) -> None:
        self.keys += now[0] - before[0]
        self.files += now[1] - before[1]

    def _too_many(self) -> bool:
        return self.keys > self.in_memory or self.files > OPEN_FILES

    def _set_to_work(self, known: Known) -> None:
        if self.closed or not known.work_left():
            return
        known.busy = True
        if self.workers is None:
            known.work()
        else:
            self.workers.submit(known.work)
