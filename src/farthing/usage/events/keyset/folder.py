"""The files of keys of one organisation on this host, which all its processes share."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from farthing.usage.events.keyset.segment import (
    ENDING,
    UNFINISHED,
    Header,
    Keys,
    Mark,
    Segment,
    Unusable,
    header_of,
    name_of,
    opened,
    written,
)

TRIES: Final = 10  # of reading the folder while others merge its files
FANOUT: Final = 4  # files of one size that become one
LARGEST: Final = 64  # times the usual number of keys: a file of more is not merged again
SLICE: Final = 1 << 17  # keys merged at a time


@dataclass(slots=True, eq=False)
class Window:
    """The part of a file that counts: rows with `after < seq <= upto`.

    last_hash  of the row numbered `upto`
    marked     the database knows the file's mark, so that it will be found good again
    """

    segment: Segment
    after: int
    upto: int
    last_hash: int
    marked: bool

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.segment.header.marks if mark.upto <= self.upto)

    @property
    def tier(self) -> int:
        """How often FANOUT goes into its number of keys."""
        return (max(self.segment.header.count, 1).bit_length() - 1) // (FANOUT.bit_length() - 1)


class _Offer(NamedTuple):
    path: Path
    header: Header
    mark: Mark  # as far as the file is of this history


@dataclass(slots=True)
class KeyFolder:
    """Files of keys: found, opened, merged, cleaned up.

    verified  files whose contents this process has compared with their checksums
    """

    path: Path
    organization: str
    verified: set[tuple[object, ...]] = field(default_factory=set)

    def chain(self, positions: Mapping[str, int], upto: int) -> list[Window]:
        """The files that together know the history from its beginning, as far as they reach.

        positions  marks that the database knows: a file without is of a history that the database has lost
        upto       where the history ends today
        """
        for _ in range(TRIES):
            try:
                return self._chain(positions, upto)
            except FileNotFoundError:
                continue  # merged into another in between
        return []

    def reaches_beyond(self, seq: int) -> bool:
        """Whether some file seems to know more than that."""
        return any(upto > seq for _, _, upto in self._listed())

    def write(self, after: int, mark: Mark, keys: tuple[Keys, Keys]) -> Window:
        """Keep these keys in a file, sorted as they are; raises OSError."""
        header = Header(self.organization, after, mark.upto, len(keys[0]), (mark,))
        segment = written(self.path, header, [keys])
        return Window(segment, after, mark.upto, mark.last_hash, False)

    def merged(self, windows: Sequence[Window]) -> Window:
        """One file instead of these, which follow one another and are marked; raises OSError, Unusable."""
        last = windows[-1]
        after, upto = windows[0].after, last.upto
        segment = self._same(after, upto, last.marks[-1])
        if segment is None:
            marks = tuple(mark for window in windows for mark in window.marks)
            count = sum(len(keys) for window in windows for keys, _ in _slices([window]))
            segment = written(self.path, Header(self.organization, after, upto, count, marks), _slices(windows))
        return Window(segment, after, upto, last.last_hash, True)

    def clean(self, windows: Sequence[Window]) -> None:
        """Remove files whose keys are all in one of these, and what dead processes left unfinished.

        Whoever has such a file open keeps it.
        """
        mine = {window.segment.path.name for window in windows}
        kept = [
            (window.after, window.upto) for window in windows if window.marked and window.segment.path.exists()
        ]
        for path, after, upto in self._listed():
            if path.name not in mine and any(start <= after and upto <= end for start, end in kept):
                path.unlink(missing_ok=True)
        for path in self.path.glob(f"*{UNFINISHED}"):
            with _locked(path) as free:
                if free:
                    path.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process is the one that merges and cleans up, until the block is left."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = self.path / "lock"
        lock.touch()
        with _locked(lock) as free:
            yield free

    def _chain(self, positions: Mapping[str, int], upto: int) -> list[Window]:
        offers = self._offers(positions, upto)
        windows: list[Window] = []
        end = 0
        while fitting := [one for one in offers if one.header.after <= end < one.mark.upto]:
            best = max(fitting, key=lambda one: one.mark.upto)
            try:
                segment = self._opened(best.path, best.header)
            except Unusable:
                offers.remove(best)
                continue
            windows.append(Window(segment, end, best.mark.upto, best.mark.last_hash, True))
            end = best.mark.upto
        return windows

    def _offers(self, positions: Mapping[str, int], upto: int) -> list[_Offer]:
        offers: list[_Offer] = []
        for path, _, _ in self._listed():
            try:
                header = header_of(path)
            except Unusable:
                continue
            known = [mark for mark in header.marks if mark.upto <= upto and positions.get(mark.name) == mark.upto]
            if known and header.organization == self.organization:
                offers.append(_Offer(path, header, known[-1]))
        return offers

    def _opened(self, path: Path, header: Header) -> Segment:
        state = path.stat()
        same = (path, state.st_ino, state.st_size, state.st_mtime_ns)
        segment = opened(path, header, trusted=same in self.verified)
        self.verified.add(same)
        return segment

    def _same(self, after: int, upto: int, mark: Mark) -> Segment | None:
        """The file that another process made of the same keys, if it did."""
        path = self.path / name_of(after, upto, mark)
        try:
            header = header_of(path)
            return self._opened(path, header) if header.marks[-1] == mark else None
        except (FileNotFoundError, Unusable):
            return None

    def _listed(self) -> list[tuple[Path, int, int]]:
        """All files, with what their names say of them."""
        found: list[tuple[Path, int, int]] = []
        for path in self.path.glob(f"*{ENDING}"):
            after, upto, *_ = [*path.stem.split("-"), ""]
            if after.isdecimal() and upto.isdecimal():
                found.append((path, int(after), int(upto)))
        return found


def due(windows: Sequence[Window], size: int) -> Sequence[Window]:
    """Those to be merged next: neighbours, FANOUT of the same tier and what is smaller between; none mostly.

    size  keys in a usual file
    """
    tiers = sorted({window.tier for window in windows if window.segment.header.count <= size * LARGEST // FANOUT})
    for tier in tiers:
        run: list[Window] = []
        for window in windows:
            if not window.marked or window.tier > tier:
                run = []
                continue
            run.append(window)
            if sum(one.tier == tier for one in run) == FANOUT:
                return run
    return ()


def _slices(windows: Sequence[Window]) -> Iterator[tuple[Keys, Keys]]:
    """All keys in order, some at a time: what lies between two hashes is taken from each file and sorted."""
    total = sum(window.segment.header.count for window in windows)
    ends = [int(one) for one in np.linspace(-(2.0**63), 2.0**63, total // SLICE + 2)[1:-1]]
    starts = [
        [0, *window.segment.hashes.searchsorted(np.array(ends, np.int64)).tolist(), window.segment.header.count]
        for window in windows
    ]
    for bounds in zip(*(pairwise(one) for one in starts), strict=True):
        parts = [
            window.segment.within(low, high, window.after, window.upto)
            for window, (low, high) in zip(windows, bounds, strict=True)
        ]
        hashes, seqs = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(hashes, kind="stable")  # windows follow one another, so equal ones stay in order
        yield hashes[order], seqs[order]


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Whether nobody else has locked the file; if so, it is ours until the block is left."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
