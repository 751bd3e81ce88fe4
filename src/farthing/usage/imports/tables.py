"""CSV as a stream of rows, and the rows of a plain table of events."""

import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from farthing.usage.imports.files import LONGEST_LINE, Names
from farthing.usage.imports.values import BadFile, Row

MOST_COLUMNS: Final = 1_000
ATTRIBUTES: Final = ("id", "source", "type", "subject", "time")
DELIMITERS: Final = ",;\t"

csv.field_size_limit(min(sys.maxsize, LONGEST_LINE))


@dataclass(frozen=True, slots=True)
class Cells:
    """A row of a table by column, or why it is none; `text` is all of it, for its name."""

    line: int
    cells: Mapping[str, str]
    text: bytes
    problem: str | None = None


@dataclass(slots=True)
class _Lines:
    """Lines of a text file, bounded; the numbers of those that were longer are kept, their text is not."""

    text: io.TextIOWrapper
    number: int = 0
    too_long: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(LONGEST_LINE + 1):
            self.number += 1
            if len(line) > LONGEST_LINE and not line.endswith(("\n", "\r")):
                self.too_long.add(self.number)
                while line and not line.endswith(("\n", "\r")):
                    line = self.text.readline(LONGEST_LINE)
                line = "\n"
            yield line


def table(stream: BinaryIO) -> Iterator[Cells]:
    """The rows of a CSV file with a header line; commas, semicolons or tabs, quoted as RFC 4180 says.

    raises  BadFile when the header cannot be one
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _table(_Lines(text))
    finally:
        text.detach()  # the stream is its opener's to close


def _table(lines: _Lines) -> Iterator[Cells]:
    numbered = iter(lines)
    first = next(numbered, "")
    delimiter = max(DELIMITERS, key=first.count)
    header = _header(next(csv.reader([first], delimiter=delimiter), []))
    rows = csv.reader(numbered, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Cells(line, {}, b"", f"is no CSV: {error}")
            continue
        if row is None:
            return
        if any(number in lines.too_long for number in range(line, lines.number + 1)):
            yield Cells(line, {}, b"", f"is longer than {LONGEST_LINE} characters")
        elif row:
            yield _cells(line, header, row)


def _cells(line: int, header: Sequence[str], row: Sequence[str]) -> Cells:
    text = "\x1f".join(row).encode("utf-8", "surrogateescape")
    problem = None if len(row) == len(header) else f"has {len(row)} cells, the header {len(header)}"
    return Cells(line, dict(zip(header, row, strict=False)), text, problem)


def _header(names: Sequence[str]) -> Sequence[str]:
    if len(names) > MOST_COLUMNS:
        raise BadFile(f"The file has {len(names)} columns; the most is {MOST_COLUMNS}.")
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadFile(f"The header names the column {twice[0][:80]!r} more than once.")
    if not names or not all(names):
        raise BadFile("The first line must be a header that names every column.")
    return names


def require(cells: Mapping[str, str], columns: Sequence[str]) -> None:
    """Raises BadFile unless a table has these columns."""
    if missing := [name for name in columns if name not in cells]:
        raise BadFile(f"The file has no column {', '.join(missing)}.")


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """A table of events: columns id, source, type, subject and time, every other one a property of `data`.

    Cells stay text, with every digit; an empty one is missing. Rows without an id are named by what they say.
    """
    names = Names()
    for row in table(stream):
        if row.problem is not None:
            yield Row(row.line, dict(row.cells), row.problem)
            continue
        if row.line == 2:
            require(row.cells, ("type", "subject"))
        event: dict[str, object] = {name: row.cells[name] for name in ATTRIBUTES if row.cells.get(name)}
        event.setdefault("id", names.name(row.text))
        if source is not None:
            event.setdefault("source", source)
        event["data"] = {name: cell for name, cell in row.cells.items() if name not in ATTRIBUTES and cell}
        yield Row(row.line, event)
