"""A file of keys: written once and never changed, sorted by hash, with a Bloom filter that tells most others apart.

    "FARKEYS1", the header's length and its checksum     24 bytes
    the header                                           JSON, padded to a multiple of 8
    hashes, rising                                       8 bytes each, as everything below
    the sequence number of each                          of one hash rising too
    the Bloom filter                                     a power of two of words

It has all keys with `after < seq <= upto`. Its name says so, and nothing but a whole file ever has such a name.
"""

import fcntl
import json
import mmap
import os
import secrets
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64, xxh3_64_intdigest

Keys = NDArray[np.int64]
Words = NDArray[np.uint64]

MAGIC: Final = b"FARKEYS1"
FRAME: Final = struct.Struct("<8sQQ")
LONGEST_HEADER: Final = 1 << 24  # bytes
ENDING: Final = ".keys"
UNFINISHED: Final = ".unfinished"
ONE: Final = np.uint64(1)
SIX_BITS: Final = np.uint64(63)


class Unusable(Exception):
    """A file is not what was once written: cut off, changed, or something else."""


class Mark(NamedTuple):
    """A point of the history that a file knows.

    name       what the database knows it by, in `event_key_positions`
    last_hash  of the row numbered `upto`
    """

    upto: int
    name: str
    last_hash: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself.

    marks      rising; the last one is the end of the file
    checksums  of hashes, sequence numbers and filter; xxh3, 64 bits
    """

    organization: str
    after: int
    upto: int
    count: int
    marks: tuple[Mark, ...]
    words: int = 0
    checksums: tuple[int, int, int] = (0, 0, 0)

    def packed(self) -> bytes:
        """As it stands in the file; the length does not depend on the checksums."""
        values = asdict(self) | {"checksums": [f"{one:016x}" for one in self.checksums]}
        text = json.dumps(values, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return FRAME.pack(MAGIC, len(text), xxh3_64_intdigest(text)) + text


class Probe:
    """Some keys, and where a Bloom filter has them: a word from the upper half, three bits in it from the lower."""

    __slots__ = ("keys", "masks", "places")

    def __init__(self, keys: Keys) -> None:
        bits = keys.view(np.uint64)
        self.keys = keys
        self.places = (bits >> np.uint64(32)).astype(np.int64)
        self.masks = (
            (ONE << (bits & SIX_BITS)) | (ONE << ((bits >> np.uint64(6)) & SIX_BITS))
            | (ONE << ((bits >> np.uint64(12)) & SIX_BITS))
        )

    def may_be_in(self, bloom: Words) -> Keys:
        """The places of keys that may be in it; all others are not."""
        return np.flatnonzero((bloom[self.places & (len(bloom) - 1)] & self.masks) == self.masks)

    def put_in(self, bloom: Words) -> None:
        np.bitwise_or.at(bloom, self.places & (len(bloom) - 1), self.masks)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An open file: its pages are the system's to keep or to drop, no memory of ours."""

    path: Path
    header: Header
    hashes: Keys
    seqs: Keys
    bloom: Words

    def find(self, probe: Probe) -> list[tuple[int, int]]:
        """Place and sequence number of each row with one of these hashes."""
        maybe = probe.may_be_in(self.bloom)
        if not len(maybe):
            return []
        some = probe.keys[maybe]
        starts, ends = self.hashes.searchsorted(some, "left"), self.hashes.searchsorted(some, "right")
        return [
            (int(maybe[one]), int(self.seqs[at]))
            for one in np.flatnonzero(starts < ends) for at in range(starts[one], ends[one])
        ]

    def within(self, low: int, high: int, after: int, upto: int) -> tuple[Keys, Keys]:
        """Hashes and sequence numbers of the rows `low` to `high` of the file that have `after < seq <= upto`."""
        hashes, seqs = self.hashes[low:high], self.seqs[low:high]
        if (after, upto) == (self.header.after, self.header.upto):
            return hashes, seqs
        wanted = (seqs > after) & (seqs <= upto)
        return hashes[wanted], seqs[wanted]


def name_of(after: int, upto: int, mark: Mark) -> str:
    """The file's name: what one process writes never takes the place of what another has marked."""
    return f"{after:020d}-{upto:020d}-{mark.name[:12]}{ENDING}"


def header_of(path: Path) -> Header:
    """What the file says of itself; raises Unusable, FileNotFoundError."""
    with path.open("rb") as file:
        frame = file.read(FRAME.size)
        if len(frame) < FRAME.size:
            raise Unusable(f"{path} is cut off")
        magic, length, checksum = FRAME.unpack(frame)
        if magic != MAGIC or length > LONGEST_HEADER:
            raise Unusable(f"{path} is no file of keys")
        text = file.read(length)
    if xxh3_64_intdigest(text) != checksum:
        raise Unusable(f"the header of {path} is damaged")
    values = json.loads(text)
    values["marks"] = tuple(Mark(*one) for one in values["marks"])
    values["checksums"] = tuple(int(one, 16) for one in values["checksums"])
    return Header(**values)


def opened(path: Path, header: Header, trusted: bool = False) -> Segment:
    """Map the file; raises Unusable, FileNotFoundError.

    trusted  its contents were compared with the checksums before
    """
    start, count = len(header.packed()), header.count
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != start + 8 * (2 * count + header.words):
            raise Unusable(f"{path} has not the length that it had")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    hashes = np.frombuffer(mapped, np.int64, count, start)
    seqs = np.frombuffer(mapped, np.int64, count, start + 8 * count)
    bloom = np.frombuffer(mapped, np.uint64, header.words, start + 16 * count)
    if not trusted and tuple(xxh3_64_intdigest(part.data) for part in (hashes, seqs, bloom)) != header.checksums:
        raise Unusable(f"{path} is damaged")
    return Segment(path, header, hashes, seqs, bloom)


def written(folder: Path, header: Header, pieces: Iterable[tuple[Keys, Keys]]) -> Segment:
    """Write a file and open it; once this returns it survives a power loss.

    header  without words and checksums
    pieces  hashes and sequence numbers in their final order, `header.count` together
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(header.after, header.upto, header.marks[-1])
    unfinished = folder / f"{secrets.token_hex(8)}{UNFINISHED}"
    header = replace(header, words=_words_for(header.count))
    try:
        with unfinished.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # tells those who clean up that it is being written
            header = replace(header, checksums=_write(file, header, pieces))
            file.seek(0)
            file.write(header.packed())
            file.flush()
            os.fsync(file.fileno())
            unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return opened(path, header, trusted=True)


def _write(file: BinaryIO, header: Header, pieces: Iterable[tuple[Keys, Keys]]) -> tuple[int, int, int]:
    """All but the header; returns the checksums."""
    start, count, done = len(header.packed()), header.count, 0
    sums = xxh3_64(), xxh3_64()
    bloom = np.zeros(header.words, np.uint64)
    for piece in pieces:
        for part, (keys, checksum) in enumerate(zip(piece, sums, strict=True)):
            whole = np.ascontiguousarray(keys)
            file.seek(start + 8 * (part * count + done))
            file.write(whole.data)
            checksum.update(whole.data)
        Probe(np.ascontiguousarray(piece[0])).put_in(bloom)
        done += len(piece[0])
    if done != count:
        raise Unusable(f"{done} keys came for a file of {count}")
    file.seek(start + 16 * count)
    file.write(bloom.data)
    return sums[0].intdigest(), sums[1].intdigest(), xxh3_64_intdigest(bloom.data)


def _words_for(count: int) -> int:
    """Words of a filter: 4 to 8 bytes for each key, so that fewer than one in a thousand others looks like one."""
    return 1 << max(3, (count // 2).bit_length())


def sync_folder(folder: Path) -> None:
    """Make what was renamed in it survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
