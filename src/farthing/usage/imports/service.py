"""The use case of imports: a file becomes events, through the same door as all others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from farthing.kernel.credentials import Caller
from farthing.usage.events.bodies import Batch
from farthing.usage.events.service import Events
from farthing.usage.events.values import Ingested, Sent
from farthing.usage.imports import access_log, focus, ndjson, tables
from farthing.usage.imports.files import CUT_OFF, opened
from farthing.usage.imports.values import ImportResult, Reader, Row, UnknownFormat

AT_ONCE: Final = 2_000  # rows in one transaction
MOST_ERRORS: Final = 100  # told one by one
READERS: Final[Mapping[str, Reader]] = {
    "csv": tables.read, "ndjson": ndjson.read, "access-log": access_log.read, "focus": focus.read,
}
ENDINGS: Final = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".log": "access-log"}


@dataclass(slots=True)
class _Tally:
    """What became of the rows so far."""

    counts: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[int, str]] = field(default_factory=list)

    def add(self, outcome: str, count: int) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + count

    def tell(self, line: int, message: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append((line, message))

    def result(self) -> ImportResult:
        names = ("accepted", "duplicates", "conflicts", "rejected", "skipped")
        accepted, duplicates, conflicts, rejected, skipped = (self.counts.get(name, 0) for name in names)
        return ImportResult(accepted, duplicates, conflicts, rejected, skipped, sorted(self.errors))


@dataclass(frozen=True, slots=True)
class Imports:
    """Reads files of usage, however large, in batches that are each durable before the next."""

    events: Events

    def import_file(
        self, caller: Caller, file: Path | BinaryIO, format: str, source: str | None = None,
        progress: Callable[[int], None] = lambda lines: None,
    ) -> ImportResult:
        """Store the events of a file; the same file again adds nothing, one that has grown what is new.

        format    csv, ndjson, access-log or focus
        source    of the events that name none; None for the format's own
        progress  told the number of the last line after each batch
        raises    UnknownFormat, and BadFile for a file without what every row needs; a bad row is kept among
                  the rejected events, told with its line number, and stops nothing
        """
        read = READERS.get(format)
        if read is None:
            raise UnknownFormat(f"The format {format[:40]} is not known; known are {', '.join(READERS)}.")
        tally = _Tally()
        with opened(file) as stream:
            rows = _whole(read(stream, source), tally)
            while some := list(islice(rows, AT_ONCE)):
                self._store(caller, some, tally)
                progress(some[-1].line)
        return tally.result()

    def _store(self, caller: Caller, rows: list[Row], tally: _Tally) -> None:
        for row in rows:
            if row.left_out is not None:
                tally.add("skipped", 1)
                tally.tell(row.line, row.left_out)
        sent = [Sent(row.line, row.value, row.problem) for row in rows if row.left_out is None]
        done = self.events.ingest(caller, Batch(sent, cloudevents=False, suspicious=True), skip=True)
        for outcome in ("accepted", "duplicates", "conflicts"):
            tally.add(outcome, getattr(done, outcome))
        _tell_rejected(done, tally)


def detected(file: Path) -> str | None:
    """The format that a file's name and first line tell; None when they do not."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    found = ENDINGS.get(suffixes[-1]) if suffixes else None
    if found == "csv":
        with opened(file) as stream:
            first = stream.readline(100_000)
        if all(name.encode() in first for name in focus.NEEDED):
            return "focus"
    return found


def _whole(rows: Iterator[Row], tally: _Tally) -> Iterator[Row]:
    """The rows up to where a compressed file is damaged, which is told as an error of the line after them."""
    line = 0
    try:
        for row in rows:
            line = row.line
            yield row
    except CUT_OFF:
        tally.add("rejected", 1)
        tally.tell(line + 1, "cannot be read: the gzip file is cut off or damaged here")


def _tell_rejected(done: Ingested, tally: _Tally) -> None:
    tally.add("rejected", len(done.rejected))
    for one in done.rejected:
        tally.tell(one.index, "; ".join(f"{error.field} {error.message}".strip() for error in one.errors))
