"""Finished files under names that are given once: what was stored first stays."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from farthing.kernel.ids import mark
from farthing.kernel.problems import Unavailable

DIGITS: Final = 64  # of the SHA-256 in front of what is stored


class Files(Protocol):
    """A place for finished files; names are relative paths of plain characters."""

    def get(self, name: str) -> bytes | None:
        """What was stored, None where nothing was; raises FileDamaged, Unavailable."""

    def add(self, name: str, content: bytes) -> bytes:
        """Store it unless there is something; what is stored now. Raises FileDamaged, Unavailable."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """Keeps `Files` in a folder; a file is there whole or not at all."""

    folder: Path

    def get(self, name: str) -> bytes | None:
        try:
            return opened(name, (self.folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"File {name} cannot be read: {error.strerror}.") from error

    def add(self, name: str, content: bytes) -> bytes:
        place = self.folder / name
        half = place.with_name(f"{place.name}.{mark(12)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with half.open("wb") as file:
                file.write(sealed(content))
                file.flush()
                os.fsync(file.fileno())
            os.link(half, place)  # which fails where there is one, as a rename would not
        except FileExistsError:
            return self.get(name) or content
        except OSError as error:
            raise Unavailable(f"File {name} cannot be stored: {error.strerror}.") from error
        finally:
            half.unlink(missing_ok=True)
        return content


def sealed(content: bytes) -> bytes:
    """What is stored of it: its SHA-256 in front, so that damage is seen."""
    return sha256(content).hexdigest().encode() + content


def opened(name: str, stored: bytes) -> bytes:
    """What was sealed; raises FileDamaged."""
    digest, content = stored[:DIGITS], stored[DIGITS:]
    if sha256(content).hexdigest().encode() != digest:
        raise FileDamaged(name)
    return content


class FileDamaged(Unavailable):
    """What is stored is not what was given out before; it is not given out as if it were."""

    def __init__(self, name: str) -> None:
        super().__init__(f"File {name} is damaged: what is stored does not match its SHA-256. Restore it from a copy.")
