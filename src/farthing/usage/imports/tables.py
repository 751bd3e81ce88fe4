"""CSV as a stream of rows, and the rows of a plain table of events."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple, cast

from farthing.kernel.strict_json import dumps
from farthing.usage.imports.files import LONGEST_LINE, Names
from farthing.usage.imports.values import BadFile, Row, TooManyColumns

MOST_COLUMNS: Final = 1_000
ATTRIBUTES: Final = ("id", "source", "type", "subject", "time")
NEEDED: Final = ("type", "subject")
DELIMITERS: Final = ",;\t"

csv.field_size_limit(min(sys.maxsize, LONGEST_LINE))


class Cells(NamedTuple):
    """A row of a table in the order of its header, or why it is none; "" where it says nothing."""

    line: int
    values: Sequence[object]  # texts; in Parquet also what is nested, as JSON
    problem: str | None = None

    @property
    def text(self) -> bytes:
        """All of it, for its name."""
        try:
            joined = "\x1f".join(cast("Sequence[str]", self.values))
        except TypeError:
            joined = "\x1f".join(one if isinstance(one, str) else dumps(one).decode() for one in self.values)
        return joined.encode("utf-8", "surrogateescape")


class Table(NamedTuple):
    """A header, and the rows below it as a stream."""

    header: Sequence[str]
    rows: Iterator[Cells]

    def named(self, row: Cells) -> dict[str, object]:
        """What a row says by column."""
        return dict(zip(self.header, row.values, strict=False))


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


def table(stream: BinaryIO, needed: Sequence[str] = ()) -> Table:
    """A CSV file with a header line; commas, semicolons or tabs, quoted as RFC 4180 says.

    needed  columns without which no row could be read
    raises  BadFile when the header cannot be one or lacks one of those, TooManyColumns
    """
    lines = _Lines(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
    numbered = iter(lines)
    first = next(numbered, "")
    delimiter = max(DELIMITERS, key=first.count)
    header = checked_header(next(csv.reader([first], delimiter=delimiter), []), needed)
    return Table(header, _rows(lines, numbered, delimiter, len(header)))


def _rows(lines: _Lines, numbered: Iterator[str], delimiter: str, width: int) -> Iterator[Cells]:
    rows = csv.reader(numbered, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Cells(line, (), f"is no CSV: {error}")
            continue
        if row is None:
            return
        if lines.too_long and any(number in lines.too_long for number in range(line, lines.number + 1)):
            yield Cells(line, (), f"is longer than {LONGEST_LINE} characters")
        elif row:
            yield Cells(line, row, None if len(row) == width else f"has {len(row)} cells, the header {width}")


def checked_header(names: Sequence[str], needed: Sequence[str]) -> Sequence[str]:
    """The same names; raises BadFile, TooManyColumns."""
    if len(names) > MOST_COLUMNS:
        raise TooManyColumns(f"The file has {len(names)} columns; the most is {MOST_COLUMNS}.")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadFile(f"The header names the column {twice[:80]!r} more than once.")
    if not names or not all(names):
        raise BadFile("The first line must be a header that names every column.")
    if missing := [name for name in needed if name not in names]:
        raise BadFile(f"The file has no column {', '.join(missing)}.")
    return names


def read(stream: BinaryIO, source: str | None) -> Iterator[Row]:
    """A table of events: columns id, source, type, subject and time, every other one a property of `data`."""
    return events_of(table(stream, NEEDED), source)


def events_of(found: Table, source: str | None) -> Iterator[Row]:
    """The events of a table. Cells stay text, with every digit; an empty one is missing.

    Rows without an id are named by what they say.
    """
    names = Names()
    places = list(enumerate(found.header))
    attributes = [(place, name) for place, name in places if name in ATTRIBUTES]
    properties = [(place, name) for place, name in places if name not in ATTRIBUTES]
    for row in found.rows:
        line, values, problem = row
        if problem is not None:
            yield Row(line, found.named(row), problem)
            continue
        event: dict[str, object] = {name: cell for place, name in attributes if (cell := values[place])}
        if "id" not in event:
            event["id"] = names.name(row.text)
        if source is not None and "source" not in event:
            event["source"] = source
        event["data"] = {name: cell for place, name in properties if (cell := values[place]) != ""}
        yield Row(line, event)
