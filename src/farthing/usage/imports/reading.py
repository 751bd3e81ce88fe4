"""From a file to batches of rows: which format it has, and its reader."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from farthing.kernel.credentials import Caller
from farthing.usage.events.bodies import Batch
from farthing.usage.events.service import Events
from farthing.usage.events.values import Sent
from farthing.usage.imports import access_log, focus, ndjson, parquet
from farthing.usage.imports.files import CUT_OFF, opened
from farthing.usage.imports.values import BadRow, Counts, Reader, Row, UnknownFormat

AT_ONCE: Final = 2_000  # rows in one transaction
READERS: Final[Mapping[str, Reader]] = {
    "csv": focus.read_either, "ndjson": ndjson.read, "access-log": access_log.read, "focus": focus.read,
    "parquet": parquet.read,
}
ENDINGS: Final = {
    ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".log": "access-log", ".parquet": "parquet",
}


def rows_of(file: Path | BinaryIO, format: str, source: str | None = None, after: int = 0) -> Iterator[Row]:
    """The rows of a file behind the line `after`; where a compressed file is damaged, that is its last row's problem.

    source  of the events that name none; None for the format's own
    raises  UnknownFormat, BadFile
    """
    read = READERS.get(format)
    if read is None:
        raise UnknownFormat(f"The format {format[:40]} is not known; known are {', '.join(READERS)}.")
    line = 0
    with opened(file) as stream:
        try:
            for row in read(stream, source):
                line = row.line
                if line > after:
                    yield row
        except CUT_OFF:
            if line >= after:
                yield Row(line + 1, "", "cannot be read: the file is cut off or damaged here")


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """As many rows at once as one transaction takes."""
    while some := list(islice(rows, AT_ONCE)):
        yield some


def detected_name(name: str) -> str | None:
    """The format that a name tells by its ending."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes if suffix.lower() != ".gz"]
    return ENDINGS.get(suffixes[-1]) if suffixes else None


def detected(file: Path, name: str | None = None) -> str | None:
    """The format that a file's name and first line tell; None when they do not.

    name  its own, where the file is kept under another
    """
    found = detected_name(name or file.name)
    if found == "csv":
        with opened(file) as stream:
            first = stream.readline(100_000)
        if all(name.encode() in first for name in focus.NEEDED):
            return "focus"
    return found


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of some rows."""

    counts: Counts
    bad: list[BadRow]  # those rejected or left out, in the file's order


def store(events: Events, caller: Caller, rows: list[Row]) -> Stored:
    """Put rows through the door of all events; what returns is as durable as the transaction around it."""
    sent = [Sent(line, value, problem) for line, value, problem, left_out in rows if left_out is None]
    bad = [BadRow(row.line, row.left_out) for row in rows if row.left_out is not None]
    done = events.ingest(caller, Batch(sent, cloudevents=False, suspicious=True), skip=True)
    counts = Counts(done.accepted, done.duplicates, done.conflicts, len(done.rejected), len(bad))
    bad += [
        BadRow(one.index, "; ".join(f"{error.field} {error.message}".strip() for error in one.errors))
        for one in done.rejected
    ]
    return Stored(counts, sorted(bad))
