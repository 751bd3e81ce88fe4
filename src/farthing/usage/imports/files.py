"""Files as streams of bounded lines, gzip or not."""

import gzip
import io
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

LONGEST_LINE: Final = 1024 * 1024  # bytes, or characters where the file is read as text
GZIP: Final = b"\x1f\x8b"
CUT_OFF: Final = (EOFError, gzip.BadGzipFile, zlib.error)  # what reading a damaged gzip file raises


@contextmanager
def opened(file: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A file to read from its start to its end, decompressed on the way; one that was handed in stays open."""
    if isinstance(file, Path):
        with file.open("rb") as stream, _plain(stream) as plain:
            yield plain
    else:
        with _plain(io.BufferedReader(_Unclosing(file))) as plain:
            yield plain


@contextmanager
def _plain(buffered: io.BufferedReader) -> Iterator[BinaryIO]:
    if buffered.peek(2)[:2] == GZIP:
        with gzip.open(buffered) as unzipped:
            yield cast(BinaryIO, unzipped)
    else:
        yield buffered


class _Unclosing(io.RawIOBase):
    """Any object with `read`, as the buffer wants it; closing it closes nothing."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: whatever can be written to
        found = self.stream.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file with their numbers, from 1; None for one longer than a line may be."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            yield number, None
        else:
            yield number, line.rstrip(b"\r\n")


class Names:
    """Makes ids for lines that have none: of what a line says and how often it was seen so far in the file.

    So a line that comes twice is two events, the same file again adds nothing, and a file that has grown adds
    what is new. It counts each different line under 64 bits of its hash, in a table of open addresses that takes
    18 to 36 bytes a line, where a dictionary would take a hundred.
    """

    __slots__ = ("_counts", "_free", "_hashes")

    def __init__(self) -> None:
        self._make(1024)

    def name(self, line: bytes) -> str:
        digest = blake2b(line, digest_size=16).digest()
        place = self._place(int.from_bytes(digest[:8], "big") or 1)  # 0 is an empty place
        count = self._counts[place] = self._counts[place] + 1
        return f"{digest.hex()}-{count}"

    def _make(self, size: int) -> None:
        self._hashes = array("Q", bytes(8 * size))
        self._counts = array("I", bytes(4 * size))
        self._free = size * 2 // 3

    def _place(self, hash: int) -> int:
        """Where this hash is counted, from now on if it was not yet."""
        hashes = self._hashes
        mask = len(hashes) - 1
        place = hash & mask
        while (there := hashes[place]) != hash:
            if there == 0:
                if not self._free:
                    self._grow()
                    return self._place(hash)
                hashes[place] = hash
                self._free -= 1
                break
            place = place + 1 & mask
        return place

    def _grow(self) -> None:
        hashes, counts = self._hashes, self._counts
        self._make(2 * len(hashes))
        for hash, count in zip(hashes, counts, strict=True):
            if hash:
                self._counts[self._place(hash)] = count
