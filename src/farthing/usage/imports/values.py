"""What an import reads and what comes of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from farthing.kernel.problems import Invalid


@dataclass(frozen=True, slots=True)
class Row:
    """What one line, or one row over several lines, of a file says.

    line     the number of its first line, from 1
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


class UnknownFormat(Invalid):
    """A file of a kind that is not read."""


class BadFile(Invalid):
    """A file that cannot be read at all: it lacks what every row would need."""
