"""What this process knows of one organisation's keys: files, a set being written to one, and the most recent ones."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Final

import numpy as np
import structlog
from sqlalchemy import Connection
from sqlalchemy.engine import RootTransaction

from farthing.kernel.database import after_commit, touched
from farthing.kernel.problems import Unavailable
from farthing.usage.events.keyset.folder import KeyFolder, Window, due
from farthing.usage.events.keyset.recent import Recent
from farthing.usage.events.keyset.segment import Mark, Probe, Unusable
from farthing.usage.events.keyset.store import KeyStore
from farthing.usage.events.keyset.values import Claim, RowsAfter, Suspect
from farthing.usage.events.streams import Stream

log = structlog.get_logger("farthing")

AT_ONCE: Final = 50_000  # rows read before they are taken in


class KeysLost(Unavailable):
    """Events are gone whose keys no file has: nobody could tell a repeat of them."""

    def __init__(self, organization: str, after: int, seq: int) -> None:
        super().__init__(
            f"The keys of events {after + 1} to {seq - 1} of {organization} are lost: the events are gone and no file "
            "has their keys. Restore the folder of keys from a backup."
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Where keys come from, and what the engine was made with.

    rows_after  the rows themselves
    floor       the first sequence number of a stream whose row is still kept
    size        keys that become a file
    new_mark    a name that no mark ever had
    """

    rows_after: RowsAfter
    floor: Callable[[Stream], int]
    size: int
    new_mark: Callable[[], str]


@dataclass(slots=True)
class Pending:
    """Keys added in a transaction that has not committed yet."""

    transaction: RootTransaction | None
    keys: Recent


@dataclass(slots=True)
class Known:
    """All keys with `0 < seq <= recent.upto`: those of `windows`, of `writing` and of `recent` follow one another.

    Held by `lock` while it is looked at or changed; the files are written and merged without it, by one at a time.

    patience     recent keys that must be there before they are written to a file after it was put off
    busy         somebody writes or merges
    unconfirmed  marks given to the database whose transaction is not known to have committed
    """

    source: Source
    folder: KeyFolder
    lock: threading.RLock = field(default_factory=threading.RLock)
    windows: list[Window] = field(default_factory=list)
    writing: Recent | None = None
    recent: Recent | None = None
    pending: Pending | None = None
    patience: int = 0
    busy: bool = False
    unconfirmed: set[str] = field(default_factory=set)
    counted: tuple[int, int] = (0, 0)  # keys in memory and files open, when they were counted last

    def claim(self, connection: Connection, stream: Stream, hashes: Sequence[int]) -> Claim:
        """See `KeySet`; to be called with the lock held."""
        own = self._own(connection)
        upto = stream.last_seq if own is None else min(stream.last_seq, own.after)
        recent = self.follow(connection, stream, upto)
        found = set(recent.find(hashes))
        for keys in (self.writing, own):
            if keys is not None:
                found.update(keys.find(hashes))
        if self.windows:
            probe = Probe(np.array(hashes, np.int64))
            for window in self.windows:
                found.update(one for one in window.segment.find(probe) if window.after < one[1] <= window.upto)
        taken = {place for place, _ in found}
        new = [place for place in range(len(hashes)) if place not in taken] if taken else list(range(len(hashes)))
        return Claim(new, [Suspect(place, seq) for place, seq in sorted(found)])

    def add(self, connection: Connection, hashes: Sequence[int], first_seq: int) -> None:
        """See `KeySet`; to be called with the lock held."""
        seqs = range(first_seq, first_seq + len(hashes))
        own = self._own(connection)
        if own is None:
            own = Recent(first_seq - 1, first_seq - 1, 0)
            self.pending = Pending(connection.get_transaction(), own)
            if touched() is not None:  # else nobody says whether it commits, and the next claim finds the rows
                after_commit(lambda: self._committed(own))
        own.add(hashes, seqs)

    def follow(self, connection: Connection, stream: Stream, upto: int) -> Recent:
        """Know all rows up to this one, and no other; raises KeysLost.

        What was known is held against the row that was known last, so that a database which was restored to an older
        state, and has gone another way since, is told apart; marks tell the same of files.
        """
        if self.recent is not None and self._caught_up(connection, stream, self.recent, upto):
            return self.recent
        self._begin(self._chain(connection, stream.organization, upto))
        assert self.recent is not None
        if self._caught_up(connection, stream, self.recent, upto):
            return self.recent
        recent = self._begin([])
        if not self._caught_up(connection, stream, recent, upto):
            raise KeysLost(stream.organization, 0, self.source.floor(stream))
        return recent

    def active(self) -> bool:
        """Whether it holds what cannot be read again: keys of a transaction under way, or a file being written."""
        transaction = self.pending.transaction if self.pending is not None else None
        return self.busy or (transaction is not None and transaction.is_active)

    def keys_in_memory(self) -> int:
        return sum(keys.count for keys in (self.writing, self.recent) if keys is not None)

    def _own(self, connection: Connection) -> Recent | None:
        """The keys that this transaction has added so far."""
        pending = self.pending
        if pending is None or pending.transaction is not connection.get_transaction():
            return None
        return pending.keys

    def _committed(self, own: Recent) -> None:
        with self.lock:
            if self.pending is not None and self.pending.keys is own:
                self.pending = None
            if self.recent is not None and self.recent.upto == own.after:  # else somebody has read them already
                self.recent.absorb(own)

    def _begin(self, windows: list[Window]) -> Recent:
        end = windows[-1] if windows else None
        self.windows, self.writing = windows, None
        self.recent = Recent(end.upto, end.upto, end.last_hash) if end else Recent(0, 0, 0)
        return self.recent

    def _caught_up(self, connection: Connection, stream: Stream, recent: Recent, upto: int) -> bool:
        """Take in the rows after those that are known; False if it was not this history that is known."""
        known, floor = recent.upto, self.source.floor(stream)
        if known > upto or known + 1 < floor:
            return False
        check = known >= max(floor, 1)  # the row that was known last can be read again
        rows = self.source.rows_after(connection, stream, known - 1 if check else known)
        if check and next(rows, None) != (known, recent.last_hash):
            return False
        rows = takewhile(lambda row: row[0] <= upto, rows)
        while some := list(islice(rows, AT_ONCE)):
            recent.add([hash for _, hash in some], [seq for seq, _ in some])
            if recent.count >= 2 * self.source.size:
                recent = self._written_at_once(recent)
        return True

    def _written_at_once(self, recent: Recent) -> Recent:
        """Make a file of all that is in memory: much is being read, and memory is short."""
        keys = recent
        if self.writing is not None:  # whoever is at it will find that nobody wants it
            keys = Recent(self.writing.after, self.writing.upto, self.writing.last_hash)
            keys.absorb(self.writing)
            keys.absorb(recent)
            self.writing = None
        try:
            self.windows.append(self.folder.write(keys.after, self._mark(keys), keys.keys()))
        except OSError as error:
            self._put_off(error)
            self.recent = keys
            return keys
        self.recent = Recent(keys.upto, keys.upto, keys.last_hash)
        return self.recent

    def _mark(self, keys: Recent) -> Mark:
        return Mark(keys.upto, self.source.new_mark(), keys.last_hash)

    def _put_off(self, error: Exception) -> None:
        log.warning("keys_not_written", folder=str(self.folder.path), error=str(error))

    def _chain(self, connection: Connection, organization: str, upto: int) -> list[Window]:
        return self.folder.chain(self._positions(connection, organization), upto)

    def _positions(self, connection: Connection, organization: str) -> Mapping[str, int]:
        positions = KeyStore(connection).positions(organization)
        return {name: upto for name, upto in positions.items() if name not in self.unconfirmed}

    # what follows keeps memory small and files few

    def mark(self, connection: Connection, organization: str) -> None:
        """Tell the database which files are of this history, so that they are found good again."""
        unmarked = [window for window in self.windows if not window.marked]
        if not unmarked or touched() is None:
            return
        marks = [window.marks[-1] for window in unmarked]
        KeyStore(connection).add_positions(organization, {mark.name: mark.upto for mark in marks})
        self.unconfirmed |= {mark.name for mark in marks}
        after_commit(lambda: self._confirmed(unmarked))

    def _confirmed(self, windows: Sequence[Window]) -> None:
        with self.lock:
            for window in windows:
                window.marked = True
                self.unconfirmed.discard(window.marks[-1].name)

    def relieve(self, connection: Connection, stream: Stream, enough: int) -> None:
        """Leave recent keys to files when they are many: to another process's if there is one, else to our own."""
        recent = self.recent
        if recent is None or self.writing is not None or recent.count < max(enough, self.patience):
            return
        if self.folder.reaches_beyond(recent.after):
            chain = self._chain(connection, stream.organization, recent.upto)
            if chain and chain[-1].upto > recent.after:
                self.windows = chain
                self.recent = recent = recent.beyond(chain[-1].upto)
            if recent.count < 2 * enough:  # others are about it
                self.patience = recent.count + max(enough // 8, 1) if recent.count >= enough else 0
                return
        self.patience = 0
        self.writing, self.recent = recent, Recent(recent.upto, recent.upto, recent.last_hash)

    def work_left(self) -> bool:
        """Whether something is to be written or merged, and nobody is at it yet."""
        return not self.busy and (self.writing is not None or bool(due(self.windows, self.source.size)))

    def work(self) -> None:
        """Write what is to be written and merge what is to be merged; `busy` is set by whoever calls."""
        try:
            self._write()
            with self.folder.alone() as alone:
                while alone and self._merged_some():
                    pass
                if alone:
                    with self.lock:
                        windows = list(self.windows)
                    self.folder.clean(windows)
        except (OSError, Unusable) as error:
            self._put_off(error)
        finally:
            with self.lock:
                self.busy = False

    def _write(self) -> None:
        keys = self.writing
        if keys is None:
            return
        try:
            window = self.folder.write(keys.after, self._mark(keys), keys.keys())
        except (OSError, Unusable):
            with self.lock:
                if self.writing is keys and self.recent is not None:
                    keys.absorb(self.recent)
                    self.recent, self.writing = keys, None
                    self.patience = keys.count + self.source.size // 4
            raise
        with self.lock:
            if self.writing is keys:  # else all was read anew in between
                self.windows.append(window)
                self.writing = None

    def _merged_some(self) -> bool:
        with self.lock:
            windows = due(self.windows, self.source.size)
        if not windows:
            return False
        one = self.folder.merged(windows)
        with self.lock:
            places = [place for place, window in enumerate(self.windows) if window is windows[0]]
            if places and self.windows[places[0] : places[0] + len(windows)] == list(windows):
                self.windows[places[0] : places[0] + len(windows)] = [one]
        return True
