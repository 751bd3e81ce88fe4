"""What an import reads and what comes of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple

from farthing.kernel.problems import FieldError, Invalid, NotFound, TooLarge

QUEUED, RUNNING, COMPLETED, FAILED = "queued", "running", "completed", "failed"
OUTCOMES = ("accepted", "duplicates", "conflicts", "rejected", "skipped")  # every row is in one of them


class Row(NamedTuple):
    """What one line, or one row over several lines, of a file says; plain, because a file has millions of them.

    line     the number of its first line, from 1; of a row in a Parquet file
    value    an event as it could have been sent; where it could not be read, its text
    problem  why it could not be read
    left_out why it is no usage, and not to be imported
    """

    line: int
    value: object
    problem: str | None = None
    left_out: str | None = None


Reader = Callable[[BinaryIO, str | None], Iterator[Row]]
"""Reads a file as a stream; the text is the source of its events, None for the format's own."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file: every row is in one of the five.

    skipped  rows that are no usage and were left out
    errors   the first hundred rows that were rejected or left out: line number and reason
    """

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    skipped: int
    errors: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows so far; each is in one of the five."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in OUTCOMES))


class BadRow(NamedTuple):
    """A row that was rejected or left out, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Import:
    """A file that is read once.

    content   the SHA-256 of the file, or what tells this version of an object in a bucket: once an organisation
    name      the file's own, or where the object is
    source    of the events that name none; None for the format's own
    position  the number of the last line whose outcome is stored; 0 before the first
    reported  how many of the bad rows are kept in its report
    """

    id: str
    organization: str
    content: str
    name: str
    url: str | None
    format: str
    source: str | None
    status: str
    position: int
    counts: Counts
    reported: int
    error: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.status in (COMPLETED, FAILED)


class UnknownFormat(Invalid):
    """A file of a kind that is not read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, [FieldError("format", message)])


class BadFile(Invalid):
    """A file that cannot be read at all: it lacks what every row would need."""


class TooManyColumns(TooLarge):
    """A table wider than any row may be."""


class ImportNotFound(NotFound):
    """No such import in this organisation."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no import {reference[:120]}.")


class ContentKnown(Exception):
    """The organisation has an import of this content already; the constraint says so."""


class BadUrl(Invalid):
    """An address from which this organisation may not have files, or at which there is none."""

    def __init__(self, message: str) -> None:
        super().__init__(f"url {message}.", [FieldError("url", message)])
