"""Where files wait in the home until they are read: written and named once whole, gone when their import is over."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final

PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that was received whole.

    content  the SHA-256 of its bytes
    keep     gives it the name of its import; without that it is gone again
    """

    path: Path
    content: str
    size: int
    keep: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder with a file for each import that is not over."""

    folder: Path

    def place(self, import_id: str) -> Path:
        return self.folder / import_id

    def has(self, import_id: str) -> bool:
        return self.place(import_id).is_file()

    def forget(self, import_id: str) -> None:
        self.place(import_id).unlink(missing_ok=True)

    @contextmanager
    def received(self, stream: BinaryIO) -> Iterator[Waiting]:
        """All of a stream on the disk, however large; gone after the block unless it was kept."""
        with self._part() as part:
            digest, size = sha256(), 0
            while piece := stream.read(PIECE):
                part.write(piece)
                digest.update(piece)
                size += len(piece)
            path = _durable(part)
            yield Waiting(path, digest.hexdigest(), size, lambda id: os.replace(path, self.place(id)))

    def fill(self, import_id: str, write: Callable[[BinaryIO], None]) -> None:
        """Keep what `write` writes for this import, in whole or not at all."""
        with self._part() as part:
            write(part)
            os.replace(_durable(part), self.place(import_id))

    @contextmanager
    def _part(self) -> Iterator[BinaryIO]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
            try:
                yield part  # type: ignore[misc]  # has all that a file has
            finally:
                Path(part.name).unlink(missing_ok=True)


def _durable(part: BinaryIO) -> Path:
    part.flush()
    os.fsync(part.fileno())
    return Path(part.name)
